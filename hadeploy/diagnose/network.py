"""Interfaces that are down, firewalls, and unreachable nodes. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from hadeploy.check.finding import CheckContext
from hadeploy.check.firewall import ports_dropped
from hadeploy.check.vip_rules import vip_rules
from hadeploy.diagnose.cause import Cause, recognises
from hadeploy.diagnose.diagnosis import Diagnosis, DiagnosisContext
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.observe.subnets import interface_of

INTERFACE_DOWN = Cause(
    "interface-down",
    "the interface for the VIP is down",
    "its flags: not UP, or no carrier (LOWER_UP)",
    "`ip link set … up`, or connect the cable",
    ("check-fails", "vip-unheard"),
)


@recognises(INTERFACE_DOWN)
def interfaces(context: DiagnosisContext) -> Iterator[Diagnosis]:
    """Interfaces for the VIP that are down."""
    for node, state in context.nodes:
        name = interface_of(node, state)
        link = state.host.links.get(name or "")
        if link is not None and not link.up:
            problem = "has no carrier" if "UP" in link.flags else "is switched off"
            yield Diagnosis(
                INTERFACE_DOWN.id,
                (node.label,),
                f"the interface for the VIP, {name}, {problem}",
                f"ip link set {name} up; check the cable",
                (f"{node.label}: {name} {' '.join(sorted(link.flags))}",),
            )


PORT_DROPPED = Cause(
    "port-dropped",
    "the holder's firewall drops connections to the VIP",
    "the VIP is on one node, other nodes cannot connect, and an iptables rule certainly drops the "
    "port, or a rule of iptables or nftables drops packets to or from the VIP (also ARP)",
    "allow the port; remove the rule with the given command",
    ("vip-unheard",),
)
VIP_UNHEARD = Cause(
    "vip-unheard",
    "the VIP answers on its holder, but not from another node",
    "connections from each node to the VIP",
    "check ARP, the address rules of the cloud, and firewalls between the nodes",
)


@recognises(PORT_DROPPED, VIP_UNHEARD)
def vip_unanswered(context: DiagnosisContext) -> Iterator[Diagnosis]:
    """A VIP that is on one node but does not answer."""
    check_context = CheckContext(context.cluster, context.observed)
    for vip in (str(vip.ip) for vip in context.cluster.vip):
        holders = context.holders(vip)
        failing = [n.label for n, state in context.nodes if False in _reached(state, vip)]
        away = [label for label in failing if label not in holders] or failing
        if len(holders) != 1 or not away:
            continue
        holder = context.observed[holders[0]]
        node = context.cluster.node(holders[0])
        second = context.diagnostics(holders[0])
        host = dataclasses.replace(
            holder.host, iptables=second.iptables, ipsets=second.ipsets, nft=second.nft
        )
        with_rules = dataclasses.replace(holder, host=host)
        rules = list(vip_rules(context.cluster, node, with_rules))
        dropped = list(ports_dropped(check_context, node, with_rules))
        unreached = f"{', '.join(away)}: cannot reach {vip}"
        if rules:
            removal = " and ".join(rule.removal for rule in rules)
            redirected = all(rule.redirects for rule in rules)
            yield Diagnosis(
                PORT_DROPPED.id,
                (holders[0],),
                "its firewall redirects connections to the VIP"
                if redirected
                else "its firewall drops connections to the VIP",
                f"{removal} there"
                if redirected
                else f"{removal} there (a keepalived with vrrp_strict that is killed leaves such "
                "rules behind)",
                (*(f"{holders[0]}: {rule.message}" for rule in rules), unreached),
            )
        elif dropped:
            yield Diagnosis(
                PORT_DROPPED.id,
                (holders[0],),
                f"its firewall drops connections to the VIP (port {', '.join(map(str, dropped))})",
                "allow the listeners' ports in the node's firewall",
                (f"{holders[0]}: iptables drops them", unreached),
            )
        elif (opened := _reached(holder, vip)) and all(opened):
            yield Diagnosis(
                VIP_UNHEARD.id,
                tuple(away),
                f"{vip} answers on its holder {holders[0]}, but not from this node",
                "see `ip neigh show` on the node: a cloud may drop gratuitous ARP, or packets of "
                "addresses that it did not assign; check firewalls between the nodes",
                (f"{', '.join(away)}: cannot open a connection to {vip}",),
            )


def _reached(state: ObservedNode, vip: str) -> list[bool]:
    """Whether a connection opened, for each port."""
    return [answer.reached for (address, _), answer in state.vip_answers.items() if address == vip]


NODE_UNREACHABLE = Cause(
    "node-unreachable",
    "a node is unreachable over SSH",
    "the connection error; whether its peers still receive its adverts",
    "`hadeploy check`",
)


@recognises(NODE_UNREACHABLE)
def unreachable(context: DiagnosisContext) -> Iterator[Diagnosis]:
    """Unreachable nodes; their peers may still receive their adverts."""
    for label, error in context.unreachable.items():
        address = str(context.cluster.node(label).address)
        backups = [
            node.label
            for node, state in context.nodes
            if state.vrrp
            and state.vrrp.instance
            and state.vrrp.instance.master == address
            and state.vrrp.state == "BACKUP"
        ]
        evidence = [f"{label}: {error.operation}: {error.message}"]
        if backups:
            evidence.append(f"{', '.join(backups)}: backup of {label}, whose adverts arrive")
        yield Diagnosis(
            NODE_UNREACHABLE.id,
            (label,),
            "the node is unreachable over SSH"
            + (", but it is the master: it most likely holds the VIP" if backups else ""),
            error.hint or f"check that {label} is up; see `hadeploy check`",
            tuple(evidence),
        )
