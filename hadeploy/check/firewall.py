"""Check whether the firewall of a node drops VRRP or clients (only a warning). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hadeploy.check.entry import Check
from hadeploy.check.finding import CheckContext, Finding
from hadeploy.check.ipset import parse_sets
from hadeploy.check.iptables import Filter, Packet, drops, parse_tables
from hadeploy.check.iptables_words import family_of
from hadeploy.check.nftables import DROPS_UNNAMED, chains, vrrp_dropped
from hadeploy.inventory.cluster import Node
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.observe.subnets import interface_of

FIX = "allow IP protocol 112 between the nodes, and the ports of the listeners"


FIREWALL = Check(
    "firewall",
    "firewall",
    "no firewall rule of the node (iptables, nftables, firewalld) drops VRRP (IP protocol 112) "
    "from or to its peers, connections to a port of a listener, or packets from or to a VIP "
    "(also ARP; a killed keepalived with `vrrp_strict` leaves such rules behind), and no rule "
    "redirects connections to a listener of the VIP (DNAT, REDIRECT). Rules with an uncertain "
    "effect are ignored. nftables rules for VRRP and ports are only estimated: the proofs show "
    "whether adverts arrive. Firewalls outside the node are unknown",
    "allow protocol 112 between the nodes, and the ports of the listeners; remove a rule for the "
    "VIP with the given command",
    thorough=True,
    again_after=frozenset({"traffic"}),
)


@FIREWALL.of_node
def firewall(context: CheckContext, node: Node, state: ObservedNode) -> Iterator[Finding]:
    """Whether rules on the node drop adverts of its peers, or connections of clients."""
    if not state.host.thorough:
        return
    dropped = [*_by_iptables(context, node, state), *_by_nft(context, state)]
    for what in dict.fromkeys(dropped):
        yield Finding(FIREWALL.id, node.label, "warn", what, FIX)
    # Imported only after a thorough observation; it takes some milliseconds.
    from hadeploy.check.vip_rules import vip_rules  # noqa: PLC0415

    of_vip = list(vip_rules(context.cluster, node, state))
    for one in of_vip:
        yield Finding(FIREWALL.id, node.label, "warn", one.message, f"remove it: {one.removal}")
    if not dropped and not of_vip:
        yield Finding(
            FIREWALL.id, node.label, "pass", "no rule that certainly drops VRRP or a listener"
        )


def _by_iptables(context: CheckContext, node: Node, state: ObservedNode) -> Iterator[str]:
    for peer in peers_dropped(context, node, state):
        yield f"iptables drops VRRP (IP protocol 112) from {peer}"
    for peer in peers_dropped(context, node, state, leaving=True):
        yield f"iptables drops VRRP (IP protocol 112) to {peer}"
    for port in ports_dropped(context, node, state):
        yield f"iptables drops connections to port {port}"


def peers_dropped(
    context: CheckContext, node: Node, state: ObservedNode, *, leaving: bool = False
) -> Iterator[str]:
    """Labels of the peers from which (or, if leaving, to which) iptables drops adverts."""
    if context.cluster.vrrp.mode != "unicast":
        return
    name = interface_of(node, state) or ""
    for tables in _tables(node, state):
        for peer in context.cluster.nodes:
            ends = [str(peer.address), str(node.address)]
            source, destination = reversed(ends) if leaving else ends
            packet = Packet("112", source, destination, None, name, leaving)
            if peer.label != node.label and drops(tables, packet):
                yield peer.label


def ports_dropped(context: CheckContext, node: Node, state: ObservedNode) -> Iterator[int]:
    """The ports of listeners that iptables drops for all clients."""
    name = interface_of(node, state) or ""
    for tables in _tables(node, state):
        for listener in context.cluster.listeners:
            if drops(tables, Packet("tcp", "", str(node.address), listener.port, name)):
                yield listener.port


def _tables(node: Node, state: ObservedNode) -> Iterator[dict[str, Filter]]:
    """The tables for the family of the node's address."""
    for tool, text in state.host.iptables.items():
        if family_of(tool) == node.address.version:
            yield parse_tables(text, parse_sets(state.host.ipsets))


def vrrp_hints(ruleset: Mapping[str, Any], *, iptables: bool) -> Iterator[str]:
    """Chains of nftables that probably drop VRRP, as phrases.

    Args:
        ruleset: `nft -j list ruleset`.
        iptables: whether to omit the tables of iptables, which are read separately.
    """
    yield from vrrp_dropped(ruleset, "input", iptables=iptables)
    yield from vrrp_dropped(ruleset, "output", iptables=iptables)


def _by_nft(context: CheckContext, state: ObservedNode) -> Iterator[str]:
    ruleset, iptables = state.host.nft, bool(state.host.iptables)
    yield from vrrp_hints(ruleset, iptables=iptables)
    for chain in chains(ruleset, "input", iptables=iptables):
        for listener in context.cluster.listeners:
            if chain.policy == "drop" and not chain.names(str(listener.port), '"range"'):
                yield f"{chain.where} {DROPS_UNNAMED} port {listener.port}"
