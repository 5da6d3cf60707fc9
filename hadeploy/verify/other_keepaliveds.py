"""Other keepaliveds on a node, and their conflicts with this cluster. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hadeploy.adopt.conflicts import keepalived_claims, same_router
from hadeploy.adopt.managers import manager_of
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.observed_node import ObservedNode


@dataclass(frozen=True)
class OtherKeepalived:
    """A keepalived on a node that does not belong to this cluster.

    Attributes:
        name: where it runs, in words.
        claims: the settings that conflict with this cluster; None if its configuration is unknown.
        fix: what to do about it.
    """

    name: str
    claims: tuple[str, ...] | None
    fix: str


def other_keepaliveds(
    cluster: Cluster, interface: str, state: ObservedNode
) -> Iterator[OtherKeepalived]:
    """Every other keepalived on a node.

    Args:
        interface: of the VRRP instance on this node.
    """
    ours = {container.id for container in state.ours(cluster.name)}
    for container in sorted(set(state.keepaliveds.values()) - ours - {""}):
        # Without the engine, the containers cannot be identified.
        if state.docker is not None:
            yield _in_container(cluster, interface, state, container)
    for pid in sorted(pid for pid, container in state.keepaliveds.items() if not container):
        yield OtherKeepalived(
            f"the node itself (pid {pid})", None, "systemctl disable --now keepalived"
        )


def _in_container(
    cluster: Cluster, interface: str, state: ObservedNode, container: str
) -> OtherKeepalived:
    for other in state.other_clusters:
        if other.has(container):
            claims = [f"the VIP {vip.ip}" for vip in cluster.vip if str(vip.ip) in other.vips]
            if same_router(cluster, interface, other):
                claims.append(f"virtual_router_id {other.virtual_router_id}")
            fix = "change `vip` or `vrrp.virtual_router_id` in one of the two inventories"
            name = f"the keepalived of the hadeploy cluster {other.name}"
            return OtherKeepalived(name, tuple(claims) if other.root else None, fix)
    for foreign in state.foreign:
        if foreign.role == "keepalived" and foreign.container.id == container:
            text = foreign.config.decode("utf-8", "replace")
            claims_of = keepalived_claims(cluster, interface, text) if foreign.config else None
            manager = manager_of(foreign.container)
            fix = manager.stop if manager else "`hadeploy up --adopt` stops it"
            return OtherKeepalived(f"the container {foreign.container.name}", claims_of, fix)
    return OtherKeepalived(f"the container {container[:12]}", None, "identify it and stop it")
