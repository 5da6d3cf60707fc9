"""Nodes and VIPs that two inventories of a fleet have in common. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from hadeploy.inventory.cluster import Cluster, Node
from hadeploy.inventory.load import Inventory
from hadeploy.inventory.problems import KeyPath, Problem

HINT = (
    "a node and a VIP belong to one cluster; if two sites use the same addresses, set a different"
    " ssh.jump for each, or run hadeploy for each site alone"
)


class _Claim(NamedTuple):
    """A node or a VIP that belongs to one cluster.

    Attributes:
        keys: its addresses; two claims conflict if they have one in common.
        path: its place in the inventory.
        text: its name in messages.
        kind: "node" or "VIP".
    """

    keys: tuple[tuple[object, ...], ...]
    path: KeyPath
    text: str
    kind: str


def find_conflicts(inventories: Sequence[Inventory]) -> list[Problem]:
    """Every node and VIP that an earlier inventory also contains.

    Sites behind different jump hosts may use the same private addresses, so these do not conflict.

    Args:
        inventories: each valid on its own.

    Returns:
        A problem for each place in the later inventory; it names the earlier one.
    """
    owners: dict[tuple[object, ...], tuple[str, str]] = {}
    problems = []
    for inventory in inventories:
        claims = list(_claims(inventory.cluster))
        for claim in claims:
            found = next((owners[key] for key in claim.keys if key in owners), None)
            if found:
                owner, kind = found
                message = f"{claim.text} is also a {kind} of {owner}"
                problems.append(inventory.problem(claim.path, message))
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
