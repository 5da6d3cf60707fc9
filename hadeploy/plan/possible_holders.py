"""Which keepaliveds of a node may have put a VIP on it. Pure."""

from __future__ import annotations

from collections.abc import Collection

from hadeploy.observe.observed_node import ObservedNode


def may_hold(look: ObservedNode, vip: str) -> list[str]:
    """The containers of keepaliveds that may have put a VIP on a node; "" is the node itself.

    Those of other clusters of hadeploy are left out where their records name other VIPs.

    Args:
        look: the node.
        vip: the address.
    """
    others = spared(look, [vip])
    return [container for container in look.keepaliveds.values() if container not in others]


def spared(look: ObservedNode, vips: Collection[str]) -> list[str]:
    """The containers of other clusters of hadeploy whose records name none of these VIPs.

    Args:
        look: the node.
        vips: addresses.
    """
    return [
        container.id
        for other in look.other_clusters
        if other.root and not set(vips).intersection(other.vips)
        for container in other.containers
    ]
