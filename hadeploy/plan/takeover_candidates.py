"""Who could take the VIP over. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from hadeploy.desired import layout
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.observed_node import ObservedNode


def drains(look: ObservedNode) -> list[str]:
    """The track files that keep the VIP off a node, by name."""
    found = []
    for name in layout.DRAINS:
        file = look.file(f"{layout.TRACK}/{name}")
        if file is not None and file.content.strip() not in (b"", b"0"):
            found.append(name)
    return found


def takeover_candidates(
    cluster: Cluster, observed: Mapping[str, ObservedNode], leaving: str
) -> list[str]:
    """The other nodes that could hold the VIP now: healthy, not drained, and with its backends.

    Args:
        cluster: the inventory.
        observed: by node label.
        leaving: the node that is to give it up.
    """
    return [
        node
        for node, look in observed.items()
        if node != leaving
        and could_hold(cluster, look)
        and not unreached(look, observed.get(leaving))
    ]


def first_of(nodes: Collection[str], observed: Mapping[str, ObservedNode]) -> str:
    """The node with the highest priority now, which keepalived elects.

    Args:
        nodes: labels, one at least.
        observed: by node label.
    """

    def priority(node: str) -> int:
        vrrp = observed[node].vrrp
        return vrrp.effective_priority if vrrp else 0

    return max(nodes, key=priority)


def unreached(look: ObservedNode, holder: ObservedNode | None) -> list[str]:
    """The backends that are up on the holder and down on a node, as `BACKEND/SERVER`.

    A section of which the holder has a server and the node has none stands as `BACKEND`.

    Args:
        look: the node.
        holder: the node that has the VIP; None if it is not known.
    """
    if holder is None or holder.serving is None:
        return []
    up = {(s.listener, s.name) for s in holder.backends if s.up}
    down = [
        f"{s.listener}/{s.name}"
        for s in look.backends
        if s.status.startswith("DOWN") and (s.listener, s.name) in up
    ]
    supplied = {s.listener for s in look.backends if not s.status.startswith("DOWN")}
    there = {s.listener for s in look.backends}
    empty = sorted({listener for listener, _ in up} & there - supplied)
    return down or empty


def unhealthy(cluster: Cluster, observed: Mapping[str, ObservedNode]) -> list[str]:
    """The nodes that something keeps from serving or from taking part, other than a drain.

    Args:
        cluster: the inventory.
        observed: by node label.
    """
    return [node for node, look in observed.items() if not _well(cluster, look)]


def could_hold(cluster: Cluster, look: ObservedNode) -> bool:
    """Whether a node takes part in the election: it serves and is not drained.

    Args:
        cluster: the inventory.
        look: the node.
    """
    return _well(cluster, look) and not drains(look)


def _well(cluster: Cluster, look: ObservedNode) -> bool:
    return (
        all(look.ours_of(cluster.name, role) for role in ("haproxy", "keepalived"))
        and look.serving is not None
        and look.vrrp is not None
        and (look.vrrp.state in ("MASTER", "BACKUP") or bool(drains(look)))
    )
