"""Firewall rules on a node that drop or redirect packets of a VIP. Pure.

keepalived creates such rules with `vrrp_strict` or `no_accept`, and leaves them behind when it is
killed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from hadeploy.check.ipset import parse_sets
from hadeploy.check.iptables import Filter, Packet, dropped_by, parse_tables
from hadeploy.check.iptables_nat import redirected
from hadeploy.check.iptables_words import family_of, removal
from hadeploy.check.nft_packet import answering, arriving, asking, leaving
from hadeploy.check.nft_rules import NftRuleset
from hadeploy.inventory.cluster import Cluster, IPAddress, Node
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.observe.subnets import interface_of

_SHOWN = re.compile(r"[\w.:\[\]/-]+( [\w.:\[\]/-]+)?")
# Chains of programs that create their rules again.
_MANAGED = {
    "DOCKER": "stop the container that publishes that port (`docker ps`)",
    "KUBE-": "change the Service that has that address (`kubectl get services -A`)",
    "CNI-": "stop the pod or the container that has that port as its host port",
    "NETAVARK-": "stop the container that publishes that port (`podman ps`)",
}


@dataclass(frozen=True)
class VipRule:
    """A rule that drops or redirects packets of a VIP.

    Attributes:
        message: its effect, as a phrase.
        removal: the command that removes it, or another advice.
        redirects: whether it redirects connections instead of dropping packets.
    """

    message: str
    removal: str
    redirects: bool = False


def vip_rules(cluster: Cluster, node: Node, state: ObservedNode) -> Iterator[VipRule]:
    """The rules on a node, each once, in the order of evaluation."""
    interface = interface_of(node, state) or ""
    own = {str(node.address), *(str(vip.ip) for vip in cluster.vip)}
    sets = parse_sets(state.host.ipsets)
    tables = {tool: parse_tables(text, sets) for tool, text in state.host.iptables.items()}
    found: dict[tuple[str, str], VipRule] = {}
    for vip in cluster.vip:
        for listener in cluster.listeners:
            packets = (vip.ip, listener.port, interface)
            for rule in _by_iptables(*packets, tables, own):
                found.setdefault((rule.removal, _subject(rule)), rule)
            for rule in _by_nft(*packets, state, own):
                found.setdefault((rule.removal, _subject(rule)), rule)
    yield from found.values()


def _subject(rule: VipRule) -> str:
    """Distinguishes rules without a command for their removal."""
    return "" if rule.removal.startswith("`") else rule.message


def _by_iptables(
    vip: IPAddress,
    port: int,
    interface: str,
    saved: Mapping[str, Mapping[str, Filter]],
    own: Collection[str],
) -> Iterator[VipRule]:
    connection = Packet("tcp", "", str(vip), port, interface)
    answer = Packet("tcp", str(vip), "", port, interface, leaving=True, answer=True)
    # Unknown: loopback for a VIP on this node, otherwise another interface.
    inside = Packet("tcp", "", str(vip), port, "", leaving=True)
    for tool, tables in saved.items():
        if family_of(tool) != vip.version:
            continue
        name = tool.replace("ip6", "ip")
        for packet, what in (
            (connection, f"connections to {vip}"),
            (answer, f"the answers of {vip}"),
        ):
            dropped = dropped_by(tables, packet)
            # A rule without an address also drops other packets; the check of ports reports it.
            if dropped and _names_vip(dropped[1]):
                yield VipRule(f"{name} drops {what}", removal(tool, *dropped))
        nat = tables.get("nat", Filter())
        for packet, chain, whose in (
            (connection, "PREROUTING", "connections"),
            (inside, "OUTPUT", "the node's own connections"),
        ):
            sent = redirected(nat, packet, chain, own)
            if sent:
                target = _shown(sent.target)
                message = f"{name} redirects {whose} to {_endpoint(vip, port)} to {target}"
                yield VipRule(message, _remedy(tool, sent.rule), redirects=True)


def _remedy(tool: str, rule: tuple[str, ...]) -> str:
    managed = (advice for name, advice in _MANAGED.items() if rule[0].startswith(name))
    return next(managed, removal(tool, "nat", rule))


def _names_vip(rule: list[str]) -> bool:
    return any(option in rule for option in ("-d", "-s", "--match-set"))


def _by_nft(
    vip: IPAddress, port: int, interface: str, state: ObservedNode, own: Collection[str]
) -> Iterator[VipRule]:
    ruleset = NftRuleset(state.host.nft, iptables=bool(state.host.iptables))
    packets = [
        (arriving(str(vip), port, interface), f"connections to {vip}"),
        (answering(str(vip), port, interface), f"the answers of {vip}"),
    ]
    if vip.version == 4:
        packets.append((asking(str(vip), interface), f"ARP requests for {vip}"))
    for packet, what in packets:
        for rule in ruleset.dropping(packet):
            yield VipRule(f"{rule.where} drops {what}", rule.removal)
    for packet, whose in (
        (arriving(str(vip), port, interface), "connections"),
        (leaving(str(vip), port), "the node's own connections"),
    ):
        for rule, target in ruleset.redirecting(packet, port, own):
            endpoint = _endpoint(vip, port)
            message = f"{rule.where} redirects {whose} to {endpoint} to {_shown(target)}"
            yield VipRule(message, rule.removal, redirects=True)


def _endpoint(vip: IPAddress, port: int) -> str:
    return f"[{vip}]:{port}" if vip.version == 6 else f"{vip}:{port}"


def _shown(target: str) -> str:
    return target if _SHOWN.fullmatch(target) else "another address"
