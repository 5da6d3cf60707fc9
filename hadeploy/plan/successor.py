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
    """The other nodes that could hold the VIP now: healthy, and not drained.

    Args:
        cluster: the inventory.
        observed: by node label.
        leaving: the node that is to give it up.
    """
    return [
        node for node, look in observed.items() if node != leaving and _could_hold(cluster, look)
    ]


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
