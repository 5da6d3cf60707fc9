"""Which node goes first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from hadeploy.observe.model import ObservedNode


def holders(vips: Sequence[str], observed: Iterable[ObservedNode]) -> list[str]:
    """The nodes that have any of the VIPs on an interface, by label; one, if all is well.

    Args:
        vips: addresses without prefix.
        observed: the nodes.
    """
    return [node.node for node in observed if any(node.holds(vip) for vip in vips)]


def rolling_order(priorities: Mapping[str, int], holding: Sequence[str]) -> list[str]:
    """The order in which nodes are changed, one at a time.

    Backups come first, best priority first, and whoever holds the VIP last. Where nobody holds it,
    the best node simply comes first, so that the VIP starts there.

    Args:
        priorities: VRRP priority by node label.
        holding: the labels of the present holders.
    """
    return sorted(priorities, key=lambda node: (node in holding, -priorities[node], node))
