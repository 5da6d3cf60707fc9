"""The keepaliveds of a node that may have added a VIP. Pure."""

from __future__ import annotations

from collections.abc import Collection

from hadeploy.observe.observed_node import ObservedNode


def may_hold(state: ObservedNode, vip: str) -> list[str]:
    """The containers of keepaliveds that may have added a VIP to a node; "" is the node itself.

    Other clusters of hadeploy are omitted if their records do not contain the VIP.
    """
    others = spared(state, [vip])
    return [container for container in state.keepaliveds.values() if container not in others]


def spared(state: ObservedNode, vips: Collection[str]) -> list[str]:
    """The containers of other clusters of hadeploy whose records contain none of these VIPs."""
    return [
        container.id
        for other in state.other_clusters
        if other.root and not set(vips).intersection(other.vips)
        for container in other.containers
    ]
