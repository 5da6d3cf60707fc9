"""Who could take the VIP over. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from hadeploy.desired import layout
from hadeploy.inventory.model import Cluster
from hadeploy.observe.model import ObservedNode


def drains(look: ObservedNode) -> list[str]:
    """The track files that keep the VIP off a node, by name."""
    found = []
    for name in layout.DRAINS:
        file = look.file(f"{layout.TRACK}/{name}")
        if file is not None and file.content.strip() not in (b"", b"0"):
            found.append(name)
    return found


def successors(cluster: Cluster, observed: Mapping[str, ObservedNode], leaving: str) -> list[str]:
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
        and _could_hold(cluster, look)
        and not unreached(look, observed.get(leaving))
    ]


def takeover_problem(
    cluster: Cluster, observed: Mapping[str, ObservedNode], leaving: str
) -> str | None:
    """Why the VIP must not be handed over now; None if it may be.

    The nodes elect its next holder by their priorities (RFC 3768, 6.4.3), so the one that they
    would elect has to be fit, not just any.

    Args:
        cluster: the inventory.
        observed: by node label.
        leaving: the node that is to give it up.
    """
    candidates = [n for n, look in observed.items() if n != leaving and _could_hold(cluster, look)]
    if not candidates:
        return "no healthy node could take the VIP over"
    elected = max(candidates, key=lambda node: _priority(observed[node]))
    missing = unreached(observed[elected], observed.get(leaving))
    if not missing:
        return None
    more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
    return (
        f"{elected} would take the VIP over and does not reach backends that {leaving} reaches "
        f"({missing[0]}{more})"
    )


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


def _priority(look: ObservedNode) -> int:
    return look.vrrp.effective_priority if look.vrrp else 0


def ailing(cluster: Cluster, observed: Mapping[str, ObservedNode]) -> list[str]:
    """The nodes that something keeps from serving or from taking part, other than a drain.

    Args:
        cluster: the inventory.
        observed: by node label.
    """
    return [node for node, look in observed.items() if not _well(cluster, look)]


def _could_hold(cluster: Cluster, look: ObservedNode) -> bool:
    return _well(cluster, look) and not drains(look)


def _well(cluster: Cluster, look: ObservedNode) -> bool:
    return (
        all(look.ours_of(cluster.name, role) for role in ("haproxy", "keepalived"))
        and look.serving is not None
        and look.vrrp is not None
        and (look.vrrp.state in ("MASTER", "BACKUP") or bool(drains(look)))
    )
