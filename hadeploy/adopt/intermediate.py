"""A cluster of ours that speaks the language of one that was set up by hand. Pure.

While nodes of both kinds run, they must hear each other: whoever hears nobody takes the VIP. So
ours says what the other says, word for word; what the inventory wants comes when all are ours.
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
    """What every node is given on the way.

    Attributes:
        cluster: the inventory with the other's `vrrp` section and interfaces. All start as BACKUP,
            with nopreempt and in fault mode, so none takes the VIP from a node that has it.
        password: the other's; None if it has none.
    """

    cluster: Cluster
    password: SecretStr | None


def intermediate(cluster: Cluster, classics: Mapping[str, Classic]) -> Intermediate:
    """The inventory in the other's language.

    Args:
        classics: of every node that still has one, by label; at least one.

    Raises:
        NodesError: with everything that stands in the way.
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
    """Everything for which it cannot be taken over, with what to do about it.

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
                f"its {'.'.join(map(str, e['loc']))} is beyond what hadeploy speaks: {e['msg']}",
                "change it on every node of that cluster first",
            )
            for e in error.errors(include_url=False, include_input=False)
        ]
    return [
        _error(f"the inventory does not go with it: {said}", f"change {'.'.join(map(str, path))}")
        for path, said in broken_rules(cluster.model_copy(update={"vrrp": vrrp}))
    ]


def _vrrp(cluster: Cluster, classic: Classic) -> Vrrp:
    return Vrrp.model_validate(
        {
            "virtual_router_id": classic.virtual_router_id,
            "version": classic.version,
            "advert_interval": classic.advert_interval,
            "mode": "unicast" if classic.peers else "multicast",
            # With these nobody moves the VIP for being the better node.
            "preempt": False,
            "on_check_failure": "fault",
            "check": cluster.vrrp.check,
        }
    )


def _on(node: Node, interface: str) -> Node:
    return node.model_copy(update={"interface": interface})


def _disagreements(classics: Mapping[str, Classic]) -> Iterator[HadeployError]:
    """What all nodes must say alike, or they have not heard each other so far."""
    told: dict[str, Callable[[Classic], Any]] = {
        "virtual_router_id": lambda c: c.virtual_router_id,
        "VRRP version": lambda c: c.version,
        "advert_int": lambda c: f"{c.advert_interval:g}",
        "way of speaking": lambda c: "unicast" if c.peers else "multicast",
        "virtual_ipaddress": lambda c: ", ".join(sorted(c.addresses)),
    }
    for name, value in told.items():
        values = {node: value(classic) for node, classic in classics.items()}
        if len(set(values.values())) > 1:
            yield _error(
                f"its nodes do not have the same {name}: "
                + "; ".join(f"{node}: {found}" for node, found in values.items()),
                "they do not hear each other; make them alike first",
            )
    passwords = {c.password.get_secret_value() if c.password else None for c in classics.values()}
    if len(passwords) > 1:
        yield _error(
            "its nodes do not have the same authentication (auth_type, auth_pass)",
            "they do not hear each other; make them alike first",
        )


def _of_node(cluster: Cluster, node: Node, classic: Classic) -> Iterator[tuple[str, str]]:
    ours = [str(vip.ip) for vip in cluster.vip]
    if set(ours) != classic.addresses:
        theirs = [str(vip.ip) for vip in classic.vips]
        yield (
            f"that cluster's VIP is {', '.join(theirs)}, the inventory's {', '.join(ours)}",
            f"set `vip: {theirs[0] if len(theirs) == 1 else '[' + ', '.join(theirs) + ']'}`; "
            "it can be changed once the cluster is ours",
        )
    elif (family := classic.vips[0].version) != cluster.advert_family:
        yield (
            f"its adverts are of IPv{family}, the nodes' addresses of IPv{cluster.advert_family}",
            f"set nodes[].address to the nodes' IPv{family} addresses",
        )
    if node.interface and node.interface != classic.interface:
        yield (
            f"it speaks on {classic.interface}, the inventory says {node.interface}",
            f"set `nodes: [{{address: {node.address}, interface: {classic.interface}}}]`, "
            "or leave it out",
        )
    if not classic.peers:
        return
    if classic.source and classic.source != str(node.address):
        yield (
            f"its unicast_src_ip is {classic.source}, the inventory's address {node.address}",
            f"set nodes[].address to {classic.source}, by which its peers know the node",
        )
    others = {str(other.address) for other in cluster.nodes} - {str(node.address)}
    peers = set(classic.peers) - {str(node.address)}
    if unknown := sorted(peers - others):
        yield (
            f"its unicast_peer has {', '.join(unknown)}, which the inventory does not",
            "add it to `nodes`, or take it out of that cluster first",
        )
    if missing := sorted(others - peers):
        yield (
            f"its unicast_peer lacks {', '.join(missing)}",
            "that node would not be heard; add it there and restart that container first",
        )


def _error(what: str, hint: str, node: str | None = None) -> HadeployError:
    return HadeployError(
        what,
        node=node,
        operation="checking the cluster set up by hand",
        hint=hint,
        code=ExitCode.UNREACHABLE,
    )
