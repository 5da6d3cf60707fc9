"""Nodes that do not take each other for one virtual router. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from hadeploy.check.finding import CheckContext
from hadeploy.check.firewall import peers_dropped, vrrp_hints
from hadeploy.desired import layout
from hadeploy.diagnose.cause import Cause, recognises
from hadeploy.diagnose.diagnosis import Diagnosis, DiagnosisContext
from hadeploy.inventory.cluster import Node
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.observe.vrrp import Spoken
from hadeploy.plan.vrrp_settings import identity_of
from hadeploy.verify.other_keepaliveds import other_keepaliveds

ALIKE = "`hadeploy plan` shows the difference, `hadeploy up` makes them alike"
# Both programs count an advert that the other side has not got yet.
MOST_LOST = 2
# keepalived's names of its counters → what to do.
REFUSALS = {
    "Packet Errors: TTL": "their TTL is not 255 (RFC 3768, 5.2.3): look for a router between the "
    "nodes, or for a rule that changes it"
}


FOREIGN_KEEPALIVED = Cause(
    "foreign-keepalived",
    "another keepalived on a node claims the VIP or the virtual_router_id",
    "a process of that name that is in none of our containers, and its keepalived.conf, or the "
    "record of the hadeploy cluster that it belongs to; also where its configuration is not "
    "known",
    "`hadeploy up --adopt` stops one that was set up by hand; of two clusters of hadeploy, "
    "change one",
    ("stray-vip",),
)


@recognises(FOREIGN_KEEPALIVED)
def foreign(context: DiagnosisContext) -> Iterator[Diagnosis]:
    """Another keepalived on a node, unless it claims nothing of this cluster."""
    for node, look in context.nodes:
        wanted = context.desired.get(node.label)
        interface = wanted.facts.interface if wanted else ""
        for other in other_keepaliveds(context.cluster, interface, look):
            if other.claims == ():
                continue
            if other.claims:
                message = f"{other.name} claims {' and '.join(other.claims)}, too"
            else:
                message = "a keepalived that hadeploy did not start runs there"
            yield Diagnosis(
                FOREIGN_KEEPALIVED.id,
                (node.label,),
                message,
                other.fix,
                (f"{node.label}: in {other.name}",),
                "keepalived",
            )


def _speaking(context: DiagnosisContext) -> list[tuple[Node, ObservedNode, Spoken]]:
    return [
        (node, look, look.vrrp.spoken)
        for node, look in context.nodes
        if look.vrrp and look.vrrp.spoken and look.ours_of(context.cluster.name, "keepalived")
    ]


VRRP_SETTINGS_DIFFER = Cause(
    "vrrp-settings-differ",
    "the running keepaliveds differ in a setting on which all must agree",
    "virtual_router_id, VRRP version, advert interval, kind of authentication, unicast or "
    "multicast and VIP list as each keepalived's own dump tells them",
    "`hadeploy up` makes them alike",
    ("vrrp-password-differs", "vrrp-peers", "vrrp-refused", "vrrp-blocked", "not-applied"),
)
VRRP_PASSWORD_DIFFERS = Cause(
    "vrrp-password-differs",
    "the nodes use different VRRP passwords",
    "keepalived's count of authentication failures grows; the odd one by comparing the files, "
    "without showing them",
    "`hadeploy up` makes them alike",
    ("vrrp-refused", "vrrp-blocked", "not-applied"),
)


@recognises(VRRP_SETTINGS_DIFFER, VRRP_PASSWORD_DIFFERS)
def settings(context: DiagnosisContext) -> Iterator[Diagnosis]:
    """Settings in which the running keepaliveds differ; each side drops the other's adverts."""
    speaking = _speaking(context)
    told = {node.label: _all_settings(spoken) for node, _, spoken in speaking}
    for name in dict.fromkeys(name for said in told.values() for name in said):
        values: dict[str, list[str]] = {}
        for node, said in told.items():
            values.setdefault(said.get(name, "?"), []).append(node)
        if len(values) > 1:
            most = max(values.values(), key=len)
            yield Diagnosis(
                VRRP_SETTINGS_DIFFER.id,
                tuple(node for nodes in values.values() for node in nodes if nodes is not most),
                f"the nodes run different VRRP settings: {name}",
                ALIKE,
                tuple(f"{', '.join(nodes)}: {value}" for value, nodes in values.items()),
                "keepalived",
            )
    yield from _passwords(context, [node.label for node, _, _ in speaking])


def _all_settings(spoken: Spoken) -> dict[str, str]:
    return {**spoken.settings, "VIP list": ", ".join(sorted(spoken.vips)) or "none"}


def _passwords(context: DiagnosisContext, nodes: list[str]) -> Iterator[Diagnosis]:
    """keepalived tells no password, but how many adverts it refused for another one."""
    refused = {
        node: _refusals(context, node).get("Authentication Errors: Failure", 0) for node in nodes
    }
    if not any(refused.values()):
        return
    seen = [
        f"{n}: refused {count} adverts for their password" for n, count in refused.items() if count
    ]
    groups: dict[str | None, list[str]] = {}
    for node in nodes:
        file = context.observed[node].file(layout.KEEPALIVED_CONF)
        text = file.content.decode("utf-8", "replace") if file else ""
        groups.setdefault(identity_of(text).password, []).append(node)
    most = max(groups.values(), key=len)
    odd = tuple(node for group in groups.values() for node in group if group is not most)
    if odd:
        seen.append(f"{', '.join(odd)}: its file has another one than that of {', '.join(most)}")
    yield Diagnosis(
        VRRP_PASSWORD_DIFFERS.id,
        odd or tuple(node for node, count in refused.items() if count),
        "the nodes use different VRRP passwords",
        ALIKE,
        tuple(seen),
        "keepalived",
    )


def _refusals(context: DiagnosisContext, node: str) -> dict[str, int]:
    adverts = context.seen(node).adverts
    return {why: count for why, count in adverts.refused.items() if count} if adverts else {}


VRRP_PEERS = Cause(
    "vrrp-peers",
    "a node sends its adverts past another one",
    "the unicast_peer list of its running keepalived",
    "`hadeploy up` makes them alike",
    ("vrrp-refused", "vrrp-blocked", "not-applied"),
)


@recognises(VRRP_PEERS)
def peers(context: DiagnosisContext) -> Iterator[Diagnosis]:
    """Nodes that send their adverts past some of the others."""
    speaking = _speaking(context)
    for node, _, spoken in speaking:
        others = {str(other.address): other.label for other, _, _ in speaking if other != node}
        missing = [label for address, label in others.items() if address not in spoken.peers]
        if spoken.peers and missing:
            yield Diagnosis(
                VRRP_PEERS.id,
                (node.label,),
                "it does not send its adverts to all of the others",
                ALIKE,
                (
                    f"{node.label}: none to {', '.join(missing)}; its unicast_peer: "
                    f"{', '.join(spoken.peers)}",
                ),
                "keepalived",
            )


VRRP_REFUSED = Cause(
    "vrrp-refused",
    "a node refuses the adverts of its peers",
    "keepalived's count of packet and authentication errors grows; which one",
    "look for a router between the nodes (TTL), or at keepalived's log",
    ("vrrp-blocked",),
)
VRRP_BLOCKED = Cause(
    "vrrp-blocked",
    "VRRP (IP protocol 112) does not get through between nodes",
    "several are MASTER with settings that agree, and in a few seconds hear fewer adverts than "
    "the others sent; the iptables rule that surely does it, or the nftables chain that looks "
    "like it, where there is one",
    "allow protocol 112 in firewalls and in the network",
)


@recognises(VRRP_REFUSED, VRRP_BLOCKED)
def unheard(context: DiagnosisContext) -> Iterator[Diagnosis]:
    """Masters beside each other: their adverts are refused, or do not arrive."""
    speaking = _speaking(context)
    masters = [node for node, look, _ in speaking if look.vrrp and look.vrrp.state == "MASTER"]
    if len(masters) < 2:
        return
    sent = {n.label: adverts.sent for n in masters if (adverts := context.seen(n.label).adverts)}
    deaf: list[str] = []
    for node in masters:
        for why, count in _refusals(context, node.label).items():
            if why != "Authentication Errors: Failure":
                yield Diagnosis(
                    VRRP_REFUSED.id,
                    (node.label,),
                    f"it refuses the adverts of its peers ({why})",
                    REFUSALS.get(why)
                    or f"docker logs --tail 30 {context.cluster.container_names[1]}",
                    (f"{node.label}: refused {count} adverts",),
                    "keepalived",
                )
        adverts = context.seen(node.label).adverts
        due = sum(count for label, count in sent.items() if label != node.label)
        if (adverts and adverts.received + MOST_LOST < due) or not adverts:
            deaf.append(node.label)
    if deaf:
        yield _blocked(context, [node.label for node in masters], deaf)


def _blocked(context: DiagnosisContext, masters: list[str], deaf: list[str]) -> Diagnosis:
    seen, droppers = [], []
    for node, look in context.nodes:
        second = context.seen(node.label)
        rules = dataclasses.replace(look.host, iptables=second.iptables, ipsets=second.ipsets)
        of_checks = CheckContext(context.cluster, context.observed)
        bent = dataclasses.replace(look, host=rules)
        drops = [
            f"iptables drops IP protocol 112 {way} {', '.join(peers)}"
            for way, leaving in (("from", False), ("to", True))
            if (peers := list(peers_dropped(of_checks, node, bent, leaving=leaving)))
        ]
        drops += vrrp_hints(second.nft, iptables=bool(second.iptables))
        seen += [f"{node.label}: {how}" for how in drops]
        droppers += [node.label] * bool(drops)
        if node.label in masters and second.adverts:
            seen.append(
                f"{node.label}: MASTER; in {second.seconds} s it sent {second.adverts.sent} "
                f"adverts and heard {second.adverts.received}"
            )
    return Diagnosis(
        VRRP_BLOCKED.id,
        tuple(dict.fromkeys(droppers)) or tuple(masters),
        f"VRRP does not get through between the nodes: {', '.join(deaf)} "
        f"{'hear' if len(deaf) > 1 else 'hears'} no other master",
        "let IP protocol 112 pass between the nodes, in their firewalls and in the network "
        "(most clouds drop it)",
        tuple(seen),
        "keepalived",
    )
