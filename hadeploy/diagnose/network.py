"""Interfaces, firewalls, and nodes that cannot be reached. Pure."""

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
    "`ip link set … up`, or the cable",
    ("check-fails", "vip-unheard"),
)


@recognises(INTERFACE_DOWN)
def interfaces(context: DiagnosisContext) -> Iterator[Diagnosis]:
    """Interfaces for the VIP that are down."""
    for node, look in context.nodes:
        name = interface_of(node, look)
        link = look.host.links.get(name or "")
        if link is not None and not link.up:
            state = "has no carrier" if "UP" in link.flags else "is switched off"
            yield Diagnosis(
                INTERFACE_DOWN.id,
                (node.label,),
                f"the interface {name}, which is to carry the VIP, {state}",
                f"ip link set {name} up; is it plugged in?",
                (f"{node.label}: {name} {' '.join(sorted(link.flags))}",),
            )


PORT_DROPPED = Cause(
    "port-dropped",
    "the holder's firewall keeps connections out",
    "the VIP is bound once, other nodes cannot connect, and a rule of iptables surely drops "
    "the port, or one of iptables or nftables what is for the VIP or from it, ARP included",
    "allow the port; remove the rule, with the command that is told",
    ("vip-unheard",),
)
VIP_UNHEARD = Cause(
    "vip-unheard",
    "the VIP answers on its holder and not from another node",
    "connections from each node to the VIP",
    "look at ARP, at the cloud's rules for addresses, at firewalls on the way",
)


@recognises(PORT_DROPPED, VIP_UNHEARD)
def vip_unanswered(context: DiagnosisContext) -> Iterator[Diagnosis]:
    """A VIP that is bound once and does not answer."""
    of_checks = CheckContext(context.cluster, context.observed)
    for vip in (str(vip.ip) for vip in context.cluster.vip):
        holders = context.holders(vip)
        failing = [n.label for n, look in context.nodes if False in _reached(look, vip)]
        away = [label for label in failing if label not in holders] or failing
        if len(holders) != 1 or not away:
            continue
        holder = context.observed[holders[0]]
        node = context.cluster.node(holders[0])
        second = context.seen(holders[0])
        host = dataclasses.replace(
            holder.host, iptables=second.iptables, ipsets=second.ipsets, nft=second.nft
        )
        bent = dataclasses.replace(holder, host=host)
        of_vip = list(vip_rules(context.cluster, node, bent))
        dropped = list(ports_dropped(of_checks, node, bent))
        unreached = f"{', '.join(away)}: cannot reach {vip}"
        if of_vip:
            lines = " and ".join(rule.removal for rule in of_vip)
            sent = all(rule.redirects for rule in of_vip)
            yield Diagnosis(
                PORT_DROPPED.id,
                (holders[0],),
                "its firewall sends connections to the VIP elsewhere"
                if sent
                else "its firewall keeps connections to the VIP out",
                f"{lines} there"
                if sent
                else f"{lines} there (a keepalived with vrrp_strict that is killed leaves such "
                "rules behind)",
                (*(f"{holders[0]}: {rule.message}" for rule in of_vip), unreached),
            )
        elif dropped:
            yield Diagnosis(
                PORT_DROPPED.id,
                (holders[0],),
                f"its firewall keeps connections to the VIP out (port "
                f"{', '.join(map(str, dropped))})",
                "allow the listeners' ports in the node's firewall",
                (f"{holders[0]}: iptables drops them", unreached),
            )
        elif (opened := _reached(holder, vip)) and all(opened):
            yield Diagnosis(
                VIP_UNHEARD.id,
                tuple(away),
                f"{vip} answers on {holders[0]}, which holds it, and not from here",
                "look at `ip neigh show` there: a cloud may drop gratuitous ARP or addresses that "
                "were not assigned; look for firewalls on the way",
                (f"{', '.join(away)}: cannot open a connection to {vip}",),
            )


def _reached(look: ObservedNode, vip: str) -> list[bool]:
    """Of each port that was tried, whether a connection opened."""
    return [answer.reached for (address, _), answer in look.through.items() if address == vip]


NODE_UNREACHABLE = Cause(
    "node-unreachable",
    "a node cannot be reached over SSH",
    "the connection's error; whether its peers still hear its adverts",
    "`hadeploy check`",
)


@recognises(NODE_UNREACHABLE)
def unreachable(context: DiagnosisContext) -> Iterator[Diagnosis]:
    """Nodes that nothing is known of; their peers may hear them."""
    for label, error in context.unreachable.items():
        address = str(context.cluster.node(label).address)
        hearing = [
            node.label
            for node, look in context.nodes
            if look.vrrp
            and look.vrrp.spoken
            and look.vrrp.spoken.master == address
            and look.vrrp.state == "BACKUP"
        ]
        seen = [f"{label}: {error.operation}: {error.message}"]
        if hearing:
            seen.append(f"{', '.join(hearing)}: backup of {label}, whose adverts arrive")
        yield Diagnosis(
            NODE_UNREACHABLE.id,
            (label,),
            "it cannot be reached over SSH"
            + (", but it is the master: it most likely holds the VIP" if hearing else ""),
            error.hint or f"is {label} up? see `hadeploy check`",
            tuple(seen),
        )
