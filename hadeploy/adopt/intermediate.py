"""The cluster with the VRRP settings of one that was set up by hand. Pure.

During a takeover, old and new nodes must accept each other's adverts; a node that receives none
takes the VIP. So the new nodes use the old settings. The settings of the inventory follow when all
nodes are taken over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr, ValidationError

from hadeploy.adopt.classic import Classic
from hadeploy.errors import ExitCode, HadeployError, NodesError
from hadeploy.inventory.cluster import Cluster, Node
from hadeploy.inventory.parts import Vrrp
from hadeploy.inventory.rules import broken_rules


@dataclass(frozen=True)
class Intermediate:
    """The configuration of new nodes during a takeover.

    Attributes:
        cluster: the inventory with the `vrrp` settings and interfaces of the old cluster. All nodes
            start as BACKUP, with nopreempt and in fault mode, so none takes the VIP from a holder.
        password: the password of the old cluster, or None.
    """

    cluster: Cluster
    password: SecretStr | None


def intermediate(cluster: Cluster, classics: Mapping[str, Classic]) -> Intermediate:
    """The inventory with the VRRP settings of the old cluster.

    Args:
        classics: the instance of every old node, by label; at least one.

    Raises:
        NodesError: with every obstacle.
    """
    errors = obstacles(cluster, classics)
    if errors:
        raise NodesError(errors)
    one = next(iter(classics.values()))
    nodes = tuple(
        _on(node, classics[node.label].interface) if node.label in classics else node
        for node in cluster.nodes
    )
    return Intermediate(
        cluster.model_copy(update={"vrrp": _vrrp(cluster, one), "nodes": nodes}), one.password
    )


def obstacles(cluster: Cluster, classics: Mapping[str, Classic]) -> list[HadeployError]:
    """Every reason why the old cluster cannot be taken over, with a hint.

    Args:
        classics: by node label.
    """
    errors = list(_disagreements(classics))
    for node in cluster.nodes:
        if node.label in classics:
            errors += [
                _error(what, hint, node.label)
                for what, hint in _of_node(cluster, node, classics[node.label])
            ]
    if errors or not classics:
        return errors
    try:
        vrrp = _vrrp(cluster, next(iter(classics.values())))
    except ValidationError as error:
        return [
            _error(
                f"hadeploy does not support its {'.'.join(map(str, e['loc']))}: {e['msg']}",
                "change it on every node of that cluster first",
            )
            for e in error.errors(include_url=False, include_input=False)
        ]
    return [
        _error(f"the inventory contradicts it: {problem}", f"change {'.'.join(map(str, path))}")
        for path, problem in broken_rules(cluster.model_copy(update={"vrrp": vrrp}))
    ]


def _vrrp(cluster: Cluster, classic: Classic) -> Vrrp:
    return Vrrp.model_validate(
        {
            "virtual_router_id": classic.virtual_router_id,
            "version": classic.version,
            "advert_interval": classic.advert_interval,
            "mode": "unicast" if classic.peers else "multicast",
            # So no node takes the VIP because of a higher priority.
            "preempt": False,
            "on_check_failure": "fault",
            "check": cluster.vrrp.check,
        }
    )


def _on(node: Node, interface: str) -> Node:
    return node.model_copy(update={"interface": interface})


def _disagreements(classics: Mapping[str, Classic]) -> Iterator[HadeployError]:
    """Settings that differ between the old nodes, so that they ignore each other's adverts."""
    settings: dict[str, Callable[[Classic], Any]] = {
        "virtual_router_id": lambda c: c.virtual_router_id,
        "VRRP version": lambda c: c.version,
        "advert_int": lambda c: f"{c.advert_interval:g}",
        "transport": lambda c: "unicast" if c.peers else "multicast",
        "virtual_ipaddress": lambda c: ", ".join(sorted(c.addresses)),
    }
    for name, value in settings.items():
        values = {node: value(classic) for node, classic in classics.items()}
        if len(set(values.values())) > 1:
            yield _error(
                f"its nodes do not have the same {name}: "
                + "; ".join(f"{node}: {found}" for node, found in values.items()),
                "they ignore each other's adverts; set the same value on all nodes first",
            )
    passwords = {c.password.get_secret_value() if c.password else None for c in classics.values()}
    if len(passwords) > 1:
        yield _error(
            "its nodes do not have the same authentication (auth_type, auth_pass)",
            "they ignore each other's adverts; set the same value on all nodes first",
        )


def _of_node(cluster: Cluster, node: Node, classic: Classic) -> Iterator[tuple[str, str]]:
    ours = [str(vip.ip) for vip in cluster.vip]
    if set(ours) != classic.addresses:
        theirs = [str(vip.ip) for vip in classic.vips]
        yield (
            f"the VIP of that cluster is {', '.join(theirs)}, not {', '.join(ours)}",
            f"set `vip: {theirs[0] if len(theirs) == 1 else '[' + ', '.join(theirs) + ']'}`; "
            "you can change it after the takeover",
        )
    elif (family := classic.vips[0].version) != cluster.advert_family:
        yield (
            f"its adverts use IPv{family}, the addresses of the nodes IPv{cluster.advert_family}",
            f"set nodes[].address to the IPv{family} addresses of the nodes",
        )
    if node.interface and node.interface != classic.interface:
        yield (
            f"its adverts use {classic.interface}, the inventory has {node.interface}",
            f"set `nodes: [{{address: {node.address}, interface: {classic.interface}}}]`, "
            "or remove `interface`",
        )
    if not classic.peers:
        return
    if classic.source and classic.source != str(node.address):
        yield (
            f"its unicast_src_ip is {classic.source}, the address in the inventory {node.address}",
            f"set nodes[].address to {classic.source}, the address that its peers use",
        )
    others = {str(other.address) for other in cluster.nodes} - {str(node.address)}
    peers = set(classic.peers) - {str(node.address)}
    if unknown := sorted(peers - others):
        yield (
            f"its unicast_peer has {', '.join(unknown)}, but the inventory does not",
            "add it to `nodes`, or remove it from that cluster first",
        )
    if missing := sorted(others - peers):
        yield (
            f"its unicast_peer lacks {', '.join(missing)}",
            "the node would ignore its adverts; add it there and restart that container first",
        )


def _error(what: str, hint: str, node: str | None = None) -> HadeployError:
    return HadeployError(
        what,
        node=node,
        operation="checking the cluster set up by hand",
        hint=hint,
        code=ExitCode.UNREACHABLE,
    )
