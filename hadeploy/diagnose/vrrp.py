"""Nodes that do not form one virtual router. Pure."""

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
from hadeploy.observe.vrrp import RunningInstance
from hadeploy.plan.vrrp_settings import settings_of
from hadeploy.verify.other_keepaliveds import other_keepaliveds

EQUALISE = "`hadeploy plan` shows the difference, `hadeploy up` applies the same settings to all"
# Adverts that were sent but not received yet at either of the two readings.
MAX_IN_FLIGHT = 2
# keepalived's counter → the fix.
REFUSAL_FIXES = {
    "Packet Errors: TTL": "the TTL of adverts is not 255 (RFC 3768, 5.2.3): check for a router "
    "between the nodes, or a rule that changes the TTL"
}


FOREIGN_KEEPALIVED = Cause(
    "foreign-keepalived",
    "another keepalived on a node claims the VIP or the virtual_router_id",
    "a keepalived process outside the cluster's containers, with its keepalived.conf, or the "
    "record of its own hadeploy cluster; also if its configuration is unknown",
    "`hadeploy up --adopt` stops one that was set up by hand; of two hadeploy clusters, change one",
    ("stray-vip",),
)


@recognises(FOREIGN_KEEPALIVED)
def foreign(context: DiagnosisContext) -> Iterator[Diagnosis]:
    """Another keepalived on a node that claims a VIP or the virtual_router_id, or may do so."""
    for node, state in context.nodes:
        wanted = context.desired.get(node.label)
        interface = wanted.facts.interface if wanted else ""
        for other in other_keepaliveds(context.cluster, interface, state):
            if other.claims == ():
                continue
            if other.claims:
                message = f"{other.name} also claims {' and '.join(other.claims)}"
            else:
                message = "the node runs a keepalived that hadeploy did not start"
            yield Diagnosis(
                FOREIGN_KEEPALIVED.id,
                (node.label,),
                message,
                other.fix,
                (f"{node.label}: in {other.name}",),
                "keepalived",
            )


def _speaking(context: DiagnosisContext) -> list[tuple[Node, ObservedNode, RunningInstance]]:
    return [
        (node, state, state.vrrp.instance)
        for node, state in context.nodes
        if state.vrrp and state.vrrp.instance and state.ours_of(context.cluster.name, "keepalived")
    ]


VRRP_SETTINGS_DIFFER = Cause(
    "vrrp-settings-differ",
    "the running keepaliveds differ in a setting that must be the same on all nodes",
    "virtual_router_id, VRRP version, advert interval, authentication type, unicast or multicast "
    "and VIP list in the dump of each keepalived",
    "`hadeploy up` applies the same settings to all",
    ("vrrp-password-differs", "vrrp-peers", "vrrp-refused", "vrrp-blocked", "not-applied"),
)
VRRP_PASSWORD_DIFFERS = Cause(
    "vrrp-password-differs",
    "the nodes use different VRRP passwords",
    "keepalived's count of authentication failures grows; a comparison of the files, which are not "
    "shown, finds the different one",
    "`hadeploy up` applies the same password to all",
    ("vrrp-refused", "vrrp-blocked", "not-applied"),
)


@recognises(VRRP_SETTINGS_DIFFER, VRRP_PASSWORD_DIFFERS)
def settings(context: DiagnosisContext) -> Iterator[Diagnosis]:
    """Differences between the running keepaliveds; each side drops the other's adverts."""
    speaking = _speaking(context)
    settings_of = {node.label: _all_settings(spoken) for node, _, spoken in speaking}
    for name in dict.fromkeys(name for found in settings_of.values() for name in found):
        values: dict[str, list[str]] = {}
        for node, found in settings_of.items():
            values.setdefault(found.get(name, "?"), []).append(node)
        if len(values) > 1:
            majority = max(values.values(), key=len)
            yield Diagnosis(
                VRRP_SETTINGS_DIFFER.id,
                tuple(node for nodes in values.values() for node in nodes if nodes is not majority),
                f"the nodes run different VRRP settings: {name}",
                EQUALISE,
                tuple(f"{', '.join(nodes)}: {value}" for value, nodes in values.items()),
                "keepalived",
            )
    yield from _passwords(context, [node.label for node, _, _ in speaking])


def _all_settings(spoken: RunningInstance) -> dict[str, str]:
    return {**spoken.settings, "VIP list": ", ".join(sorted(spoken.vips)) or "none"}


def _passwords(context: DiagnosisContext, nodes: list[str]) -> Iterator[Diagnosis]:
    """keepalived shows no password, but it counts the adverts with another one."""
    refused = {
        node: _refusals(context, node).get("Authentication Errors: Failure", 0) for node in nodes
    }
    if not any(refused.values()):
        return
    evidence = [
        f"{node}: refused {count} adverts with another password"
        for node, count in refused.items()
        if count
    ]
    groups: dict[str | None, list[str]] = {}
    for node in nodes:
        file = context.observed[node].file(layout.KEEPALIVED_CONF)
        text = file.content.decode("utf-8", "replace") if file else ""
        groups.setdefault(settings_of(text).password, []).append(node)
    majority = max(groups.values(), key=len)
    minority = tuple(node for group in groups.values() for node in group if group is not majority)
    if minority:
        differs = f"keepalived.conf has another value than on {', '.join(majority)}"
        # Redaction removes what follows the word "password".
        evidence.append(f"{', '.join(minority)}: {differs}")
    yield Diagnosis(
        VRRP_PASSWORD_DIFFERS.id,
        minority or tuple(node for node, count in refused.items() if count),
        "the nodes use different VRRP passwords",
        EQUALISE,
        tuple(evidence),
        "keepalived",
    )


def _refusals(context: DiagnosisContext, node: str) -> dict[str, int]:
    adverts = context.diagnostics(node).adverts
    return {why: count for why, count in adverts.refused.items() if count} if adverts else {}


VRRP_PEERS = Cause(
    "vrrp-peers",
    "a node does not send its adverts to all other nodes",
    "the unicast_peer list of its running keepalived",
    "`hadeploy up` corrects the list",
    ("vrrp-refused", "vrrp-blocked", "not-applied"),
)


@recognises(VRRP_PEERS)
def peers(context: DiagnosisContext) -> Iterator[Diagnosis]:
    """Nodes that do not send their adverts to all other nodes."""
    speaking = _speaking(context)
    for node, _, spoken in speaking:
        others = {str(other.address): other.label for other, _, _ in speaking if other != node}
        missing = [label for address, label in others.items() if address not in spoken.peers]
        if spoken.peers and missing:
            yield Diagnosis(
                VRRP_PEERS.id,
                (node.label,),
                "the node does not send its adverts to all other nodes",
                EQUALISE,
                (
                    f"{node.label}: none to {', '.join(missing)}; its unicast_peer: "
                    f"{', '.join(spoken.peers)}",
                ),
                "keepalived",
            )


VRRP_REFUSED = Cause(
    "vrrp-refused",
    "a node refuses the adverts of its peers",
    "keepalived's count of packet or authentication errors grows",
    "check for a router between the nodes (TTL); see keepalived's log",
    ("vrrp-blocked",),
)
VRRP_BLOCKED = Cause(
    "vrrp-blocked",
    "VRRP (IP protocol 112) is blocked between nodes",
    "several nodes are MASTER with equal settings, and in a few seconds receive fewer adverts than "
    "the others sent; also the iptables rule that certainly drops them, or the nftables chain that "
    "may drop them",
    "allow protocol 112 in firewalls and in the network",
)


@recognises(VRRP_REFUSED, VRRP_BLOCKED)
def several_masters(context: DiagnosisContext) -> Iterator[Diagnosis]:
    """Several masters: their adverts are refused, or do not arrive."""
    speaking = _speaking(context)
    masters = [node for node, state, _ in speaking if state.vrrp and state.vrrp.state == "MASTER"]
    if len(masters) < 2:
        return
    sent = {
        n.label: adverts.sent for n in masters if (adverts := context.diagnostics(n.label).adverts)
    }
    isolated: list[str] = []
    for node in masters:
        for why, count in _refusals(context, node.label).items():
            if why != "Authentication Errors: Failure":
                yield Diagnosis(
                    VRRP_REFUSED.id,
                    (node.label,),
                    f"the node refuses the adverts of its peers ({why})",
                    REFUSAL_FIXES.get(why)
                    or f"docker logs --tail 30 {context.cluster.container_names[1]}",
                    (f"{node.label}: refused {count} adverts",),
                    "keepalived",
                )
        adverts = context.diagnostics(node.label).adverts
        due = sum(count for label, count in sent.items() if label != node.label)
        if (adverts and adverts.received + MAX_IN_FLIGHT < due) or not adverts:
            isolated.append(node.label)
    if isolated:
        yield _blocked(context, [node.label for node in masters], isolated)


def _blocked(context: DiagnosisContext, masters: list[str], isolated: list[str]) -> Diagnosis:
    evidence, blocking = [], []
    for node, state in context.nodes:
        second = context.diagnostics(node.label)
        rules = dataclasses.replace(state.host, iptables=second.iptables, ipsets=second.ipsets)
        check_context = CheckContext(context.cluster, context.observed)
        with_rules = dataclasses.replace(state, host=rules)
        drops = [
            f"iptables drops IP protocol 112 {way} {', '.join(peers)}"
            for way, leaving in (("from", False), ("to", True))
            if (peers := list(peers_dropped(check_context, node, with_rules, leaving=leaving)))
        ]
        drops += vrrp_hints(second.nft, iptables=bool(second.iptables))
        evidence += [f"{node.label}: {drop}" for drop in drops]
        blocking += [node.label] * bool(drops)
        if node.label in masters and second.adverts:
            evidence.append(
                f"{node.label}: MASTER; in {second.seconds} s it sent {second.adverts.sent} "
                f"adverts and received {second.adverts.received}"
            )
    return Diagnosis(
        VRRP_BLOCKED.id,
        tuple(dict.fromkeys(blocking)) or tuple(masters),
        "VRRP is blocked between the nodes: no adverts of other masters arrive on "
        f"{', '.join(isolated)}",
        "allow IP protocol 112 between the nodes, in their firewalls and in the network "
        "(most clouds drop it)",
        tuple(evidence),
        "keepalived",
    )
