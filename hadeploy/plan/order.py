"""The order of the nodes in a rollout. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.vrrp_settings import own_addresses


def holders(vips: Collection[str], observed: Iterable[ObservedNode]) -> list[str]:
    """The labels of the nodes that have any of the VIPs; a healthy cluster has one holder.

    Args:
        vips: addresses without prefix.
        observed: the nodes.
    """
    return [node.node for node in observed if any(node.holds(vip) for vip in vips)]


def added_nodes(addresses: Mapping[str, str], observed: Mapping[str, ObservedNode]) -> list[str]:
    """The labels of nodes that are missing in the record of another node; its peers change first.

    A node with a new address is matched by its former one. After an interrupted run, some records
    may contain a node and others not. Before the first deployment, the result is empty.

    Args:
        addresses: of the nodes, by label.
        observed: by label.
    """
    members = {n: state.applied.members for n, state in observed.items() if state.applied}
    own = {
        node: {address} | (own_addresses(observed[node]) if node in observed else set())
        for node, address in addresses.items()
    }
    return [
        node
        for node, aliases in own.items()
        if any(aliases.isdisjoint(known) for other, known in members.items() if other != node)
    ]


def rolling_order(
    priorities: Mapping[str, int],
    holding: Sequence[str],
    new: Collection[str] = (),
    unhealthy: Collection[str] = (),
) -> list[str]:
    """The order in which nodes are changed, one at a time.

    Backups come first, by priority, then the holder. Added nodes come last: until their peers have
    them in their configuration, they receive no adverts and would take the VIP. Unhealthy backups
    come before healthy ones, so that no two nodes are down at once. Without a holder, the node with
    the highest priority is first and gets the VIP.

    Args:
        priorities: VRRP priority by node label.
        holding: the labels of the current holders.
        new: the labels of added nodes.
        unhealthy: the labels of nodes that could not take over the VIP now.
    """
    return sorted(
        priorities,
        key=lambda node: (
            node in new,
            node in holding,
            node not in unhealthy,
            -priorities[node],
            node,
        ),
    )
