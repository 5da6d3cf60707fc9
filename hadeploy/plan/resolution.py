"""Whether an address resolves on the segment, by ARP or IPv6 neighbour discovery. Pure.

Connections of the nodes do not prove that, because they use cached entries (arp(7)).
"""

from __future__ import annotations

from collections.abc import Mapping

from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.observe.segment import ASKED_SECONDS


def unresolved(
    cluster: Cluster, observed: Mapping[str, ObservedNode], address: str, owner: str
) -> list[str]:
    """The nodes that sent probes for an address and got no answer.

    The result is empty if any node got an answer, or if the network answers no probes at all.

    Args:
        observed: by node label.
        address: without its prefix.
        owner: the label of the node that has it.
    """
    segments = {
        node: state.segment
        for node, state in observed.items()
        if state.segment and state.segment.seconds >= ASKED_SECONDS
    }
    askers = [node for node in segments if node != owner]
    if any(address in segments[node].answers for node in askers):
        return []
    family = ":" in address
    own = {str(node.address) for node in cluster.nodes} | {str(vip.ip) for vip in cluster.vip}
    answered = {a for segment in segments.values() for a in segment.answers if (":" in a) == family}
    return askers if answered & own else []


def resolution_advice(address: str) -> str:
    """What to check on a node that does not answer probes for an address."""
    if ":" in address:
        return "`ip6tables-save`, `nft list ruleset`: icmpv6 types 133 to 136 must be accepted"
    return "`arptables-save`, `nft list ruleset`, `sysctl -a | grep -E 'arp_(ignore|filter)'`"
