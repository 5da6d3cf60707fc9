"""The nodes that could take over the VIP. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from hadeploy.desired import layout
from hadeploy.desired.roles import ROLES
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.observed_node import ObservedNode


def drains(state: ObservedNode) -> list[str]:
    """The track files that keep the VIP off a node, by name."""
    found = []
    for name in layout.DRAINS:
        file = state.file(f"{layout.TRACK}/{name}")
        if file is not None and file.content.strip() not in (b"", b"0"):
            found.append(name)
    return found


def takeover_candidates(
    cluster: Cluster, observed: Mapping[str, ObservedNode], leaving: str
) -> list[str]:
    """The other nodes that could hold the VIP: healthy, not drained, with the same backends.

    Args:
        observed: by node label.
        leaving: the node that gives up the VIP.
    """
    return [
        node
        for node, state in observed.items()
        if node != leaving
        and could_hold(cluster, state)
        and not unreached(state, observed.get(leaving))
    ]


def first_of(nodes: Collection[str], observed: Mapping[str, ObservedNode]) -> str:
    """The node with the highest effective priority, which keepalived elects.

    Args:
        nodes: labels, at least one.
        observed: by node label.
    """

    def priority(node: str) -> int:
        vrrp = observed[node].vrrp
        return vrrp.effective_priority if vrrp else 0

    return max(nodes, key=priority)


def unreached(state: ObservedNode, holder: ObservedNode | None) -> list[str]:
    """The backends that are up on the holder and down on a node, as `BACKEND/SERVER`.

    If the node has no server of a section at all, the result has `BACKEND` instead.

    Args:
        holder: the node that has the VIP; None if unknown.
    """
    if holder is None or holder.serving is None:
        return []
    up = {(s.listener, s.name) for s in holder.backends if s.up}
    down = [
        f"{s.listener}/{s.name}"
        for s in state.backends
        if s.status.startswith("DOWN") and (s.listener, s.name) in up
    ]
    supplied = {s.listener for s in state.backends if not s.status.startswith("DOWN")}
    present = {s.listener for s in state.backends}
    empty = sorted({listener for listener, _ in up} & present - supplied)
    return down or empty


def unhealthy(cluster: Cluster, observed: Mapping[str, ObservedNode]) -> list[str]:
    """The nodes that do not serve or do not take part in the election, except drained ones.

    Args:
        observed: by node label.
    """
    return [node for node, state in observed.items() if not _healthy(cluster, state)]


def could_hold(cluster: Cluster, state: ObservedNode) -> bool:
    """Whether a node takes part in the election: it serves and is not drained."""
    return _healthy(cluster, state) and not drains(state)


def _healthy(cluster: Cluster, state: ObservedNode) -> bool:
    return (
        all(state.ours_of(cluster.name, role) for role in ROLES)
        and state.serving is not None
        and state.vrrp is not None
        and (state.vrrp.state in ("MASTER", "BACKUP") or bool(drains(state)))
    )
