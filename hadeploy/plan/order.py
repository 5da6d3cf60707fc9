"""Which node goes first."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.vrrp_settings import own_addresses


def holders(vips: Collection[str], observed: Iterable[ObservedNode]) -> list[str]:
    """The nodes that have any of the VIPs on an interface, by label; one, if all is well.

    Args:
        vips: addresses without prefix.
        observed: the nodes.
    """
    return [node.node for node in observed if any(node.holds(vip) for vip in vips)]


def added_nodes(addresses: Mapping[str, str], observed: Mapping[str, ObservedNode]) -> list[str]:
    """The nodes that the record of some other node does not name: their peers must learn first.

    One that has another address than before is known by the former one.
    After a run that died half-way some records name a node and others do not.

    Args:
        addresses: the nodes' own, by label.
        observed: by label.

    Returns:
        Labels; none on a cluster that is brought up for the first time.
    """
    members = {n: look.applied.members for n, look in observed.items() if look.applied}
    own = {
        node: {address} | (own_addresses(observed[node]) if node in observed else set())
        for node, address in addresses.items()
    }
    return [
        node
        for node, known_as in own.items()
        if any(known_as.isdisjoint(known) for other, known in members.items() if other != node)
    ]


def rolling_order(
    priorities: Mapping[str, int],
    holding: Sequence[str],
    new: Collection[str] = (),
    ailing: Collection[str] = (),
) -> list[str]:
    """The order in which nodes are changed, one at a time.

    Backups come first, best priority first, and whoever holds the VIP after them; a node that its
    peers do not know yet hears nothing and would take the VIP for itself, so it comes last. A
    backup that does not work is mended before a healthy one is touched, or two would be missing at
    once. Where nobody holds the VIP, the best node simply comes first: there the VIP starts.

    Args:
        priorities: VRRP priority by node label.
        holding: the labels of the present holders.
        new: the labels of nodes that are being added.
        ailing: the labels of nodes that could not take the VIP over now.
    """
    return sorted(
        priorities,
        key=lambda node: (
            node in new,
            node in holding,
            node not in ailing,
            -priorities[node],
            node,
        ),
    )
