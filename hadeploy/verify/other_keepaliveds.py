"""Other keepaliveds on a node, and what they claim of this cluster. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hadeploy.adopt.conflicts import keepalived_claims, same_router
from hadeploy.adopt.managers import manager_of
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.observed_node import ObservedNode


@dataclass(frozen=True)
class OtherKeepalived:
    """A keepalived that runs on a node and is not this cluster's.

    Attributes:
        name: where it runs, in words.
        claims: what it claims of this cluster, in words; None if its configuration is not known.
        fix: what to do about it.
    """

    name: str
    claims: tuple[str, ...] | None
    fix: str


def other_keepaliveds(
    cluster: Cluster, interface: str, look: ObservedNode
) -> Iterator[OtherKeepalived]:
    """Every one of them, once.

    Args:
        cluster: the inventory.
        interface: where this node speaks VRRP.
        look: the node.
    """
    ours = {container.id for container in look.ours(cluster.name)}
    for container in sorted(set(look.keepaliveds.values()) - ours - {""}):
        # Without the engine their containers cannot be identified.
        if look.docker is not None:
            yield _in_container(cluster, interface, look, container)
    for pid in sorted(pid for pid, container in look.keepaliveds.items() if not container):
        yield OtherKeepalived(
            f"the node itself (pid {pid})", None, "systemctl disable --now keepalived"
        )


def _in_container(
    cluster: Cluster, interface: str, look: ObservedNode, container: str
) -> OtherKeepalived:
    for other in look.other_clusters:
        if other.has(container):
            claims = [f"the VIP {vip.ip}" for vip in cluster.vip if str(vip.ip) in other.vips]
            if same_router(cluster, interface, other):
                claims.append(f"virtual_router_id {other.virtual_router_id}")
            fix = "change `vip` or `vrrp.virtual_router_id` in one of the two inventories"
            name = f"the keepalived of the hadeploy cluster {other.name}"
            return OtherKeepalived(name, tuple(claims) if other.root else None, fix)
    for foreign in look.foreign:
        if foreign.role == "keepalived" and foreign.container.id == container:
            text = foreign.config.decode("utf-8", "replace")
            claims_of = keepalived_claims(cluster, interface, text) if foreign.config else None
            manager = manager_of(foreign.container)
            fix = manager.stop if manager else "`hadeploy up --adopt` stops it"
            return OtherKeepalived(f"the container {foreign.container.name}", claims_of, fix)
    return OtherKeepalived(
        f"the container {container[:12]}", None, "find out what it is, and stop it"
    )
