"""What two inventories of a fleet may not have in common; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from hadeploy.inventory.cluster import Cluster, Node
from hadeploy.inventory.load import Inventory
from hadeploy.inventory.problems import KeyPath, Problem

HINT = (
    "a node and a VIP belong to one cluster; sites that use the same addresses are told apart by"
    " ssh.jump, or brought up one by one"
)


class _Claim(NamedTuple):
    """What only one cluster may have.

    Attributes:
        keys: what it is known by; one in common is enough.
        path: where the inventory says so.
        text: what it is called.
        kind: what it is.
    """

    keys: tuple[tuple[object, ...], ...]
    path: KeyPath
    text: str
    kind: str


def clashes(inventories: Sequence[Inventory]) -> list[Problem]:
    """Every node and VIP that an earlier inventory has, too.

    An address is the same one unless the nodes are reached through different jump hosts: sites
    behind them may well be numbered alike.

    Args:
        inventories: each good by itself.

    Returns:
        A problem at each place of the later inventory, which names the earlier one.
    """
    owners: dict[tuple[object, ...], tuple[str, str]] = {}
    problems = []
    for inventory in inventories:
        claims = list(_claims(inventory.cluster))
        for claim in claims:
            found = next((owners[key] for key in claim.keys if key in owners), None)
            if found:
                owner, kind = found
                said = f"{claim.text} is a {kind} of {owner}, too"
                problems.append(inventory.problem(claim.path, said))
        for claim in claims:
            for key in claim.keys:
                owners.setdefault(key, (inventory.name, claim.kind))
    return problems


def _claims(cluster: Cluster) -> Iterator[_Claim]:
    for number, node in enumerate(cluster.nodes):
        jump = _jump(cluster, node)
        host = node.ssh.host or str(node.address)
        port = node.ssh.port or cluster.ssh.port
        keys = (("address", node.address, jump), ("login", host, port, jump))
        yield _Claim(keys, ("nodes", number), _named(node), "node")
    jump = _jump(cluster, cluster.nodes[0])
    for number, vip in enumerate(cluster.vip):
        yield _Claim((("address", vip.ip, jump),), ("vip", number), str(vip.ip), "VIP")


def _named(node: Node) -> str:
    return f"{node.name} ({node.address})" if node.name else str(node.address)


def _jump(cluster: Cluster, node: Node) -> str | None:
    return node.ssh.jump or cluster.ssh.jump
