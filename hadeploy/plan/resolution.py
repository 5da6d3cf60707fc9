"""Whether an address is found on the segment: by ARP, or by IPv6 neighbour discovery. Pure.

The nodes' own connections say nothing of that: they remember where the address was (arp(7)).
"""

from __future__ import annotations

from collections.abc import Mapping

from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.observe.segment import ASKED_SECONDS


def unresolved(
    cluster: Cluster, observed: Mapping[str, ObservedNode], address: str, owner: str
) -> list[str]:
    """The nodes that asked who has an address and got no answer from anyone.

    Args:
        cluster: the inventory.
        observed: by node label.
        address: without its prefix.
        owner: the label of the node that has it.

    Returns:
        Nothing where one was answered, or where the network answers no such question at all.
    """
    asked = {
        node: look.segment
        for node, look in observed.items()
        if look.segment and look.segment.seconds >= ASKED_SECONDS
    }
    askers = [node for node in asked if node != owner]
    if any(address in asked[node].answers for node in askers):
        return []
    family = ":" in address
    own = {str(node.address) for node in cluster.nodes} | {str(vip.ip) for vip in cluster.vip}
    answered = {a for segment in asked.values() for a in segment.answers if (":" in a) == family}
    return askers if answered & own else []


def look_for(address: str) -> str:
    """What to look at on a node that answers no such question.

    Args:
        address: the one that was asked for.
    """
    if ":" in address:
        return "`ip6tables-save`, `nft list ruleset`: icmpv6 types 133 to 136 must be accepted"
    return "`arptables-save`, `nft list ruleset`, `sysctl -a | grep -E 'arp_(ignore|filter)'`"
