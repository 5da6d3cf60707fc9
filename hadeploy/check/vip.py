"""Checks of whether VIP and virtual_router_id are free, or the cluster's own. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from hadeploy.check.entry import Check
from hadeploy.check.finding import CheckContext, Finding
from hadeploy.inventory.cluster import Node
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.observe.subnets import addressless, misplaced
from hadeploy.plan.vrrp_settings import running_settings
from hadeploy.verify.proof import Verdict
from hadeploy.verify.stranger import Stranger
from hadeploy.verify.strangers import advertising, answering, misplaced_vips, origin, removal

VIP_FREE = Check(
    "vip-free",
    "VIP unused",
    "only nodes of the cluster have the VIP, on the interface and with the prefix that "
    "keepalived gives it (on `lo`, `kube-ipvs0` or another interface keepalived never removes "
    "it), and no other machine of the segment answers for it. Every node sends three ARP "
    "probes or neighbour solicitations, with perl; a hardware address that answers for nodes, "
    "too (proxy ARP, as in some clouds), is left out. Without perl the kernel asks, while "
    "no node has the VIP, for one that no keepalived of this cluster on that node has. A "
    "machine that drops ARP, or is switched off, is not seen. A VIP on two nodes of the "
    "cluster is a warning",
    "as given: `ip address del …`, `hadeploy up --prune` for a forgotten node that is back, "
    "another address for another machine, or another VIP",
    thorough=True,
    again_after=frozenset({"vip"}),
)


@VIP_FREE.of_node
def vip_free(context: CheckContext, node: Node, look: ObservedNode) -> Iterator[Finding]:
    """Whether every VIP is on nodes of the cluster alone, and where keepalived puts it."""
    for vip in (str(vip.ip) for vip in context.cluster.vip):
        problems = [*_misplaced(context, node, look, vip), *_answered(context, node, look, vip)]
        yield from problems
        if not problems:
            yield from _free(context, node, look, vip)


@VIP_FREE.of_cluster
def held_once(context: CheckContext) -> Iterator[Finding]:
    """Whether no VIP is on two nodes of the cluster, where keepalived puts it."""
    for vip in (str(vip.ip) for vip in context.cluster.vip):
        holders = [
            node.label
            for node, look in context.nodes
            if any(a.address == vip and not a.pinned for a in look.addresses)
            and not list(_misplaced(context, node, look, vip))
        ]
        if len(holders) > 1:
            what = f"{vip} is bound on {' and '.join(holders)}"
            fix = (
                "look at it with `hadeploy verify`; do the nodes hear each other? VRRP is IP "
                "protocol 112; look for firewall rules"
            )
            yield Finding(VIP_FREE.id, None, "warn", what, fix)


def _free(context: CheckContext, node: Node, look: ObservedNode, vip: str) -> Iterator[Finding]:
    holder = next((n for n, seen in context.observed.items() if seen.holds(vip)), None)
    if holder is not None:
        what = f"{vip} is on {'this node' if holder == node.label else holder}"
        yield Finding(VIP_FREE.id, node.label, "pass", what)
        return
    ours = {
        link.mac: label
        for label, seen in context.observed.items()
        for link in seen.host.links.values()
    }
    answers = look.segment.answers.get(vip, frozenset()) if look.segment else frozenset()
    before = sorted({*answers, look.host.neighbours.get(vip, "")} & set(ours))
    if before:
        what = f"{vip} was on {ours[before[0]]} a moment ago"
        yield Finding(VIP_FREE.id, node.label, "pass", what)
    elif look.segment or vip in look.host.neighbours:
        yield Finding(VIP_FREE.id, node.label, "pass", f"no machine answers for {vip}")


def _misplaced(
    context: CheckContext, node: Node, look: ObservedNode, vip: str
) -> Iterator[Finding]:
    for address in misplaced_vips(context.cluster, node, look):
        if address.address == vip:
            what = (
                f"{vip}/{address.prefix} is on {address.interface}, where keepalived does not put "
                f"it: most probably {origin(address)} did"
            )
            yield Finding(VIP_FREE.id, node.label, "fail", what, removal(look, address))


def _answered(context: CheckContext, node: Node, look: ObservedNode, vip: str) -> Iterator[Finding]:
    """Strangers that answer. A node that this run stops, or is told is gone, is no surprise."""
    if _is_no_vip(context, vip):
        return
    leaving = {*context.forget, *context.pruned}
    away = [n.label for n in context.cluster.nodes if n.label not in context.observed]
    found = answering(context.cluster, context.observed, vip)
    for stranger in found:
        expected = stranger.address in leaving or stranger.mac in context.departing
        if node.label in stranger.seen_from and not expected:
            yield _in_use(node, vip, stranger, away)
    # The one answer that a kernel keeps says nothing where the VIP is on a node already.
    mac = look.host.neighbours.get(vip, "")
    looks = context.observed.values()
    unheld = not look.segment and not any(seen.holds(vip) for seen in looks)
    known = {k.mac for seen in looks for k in seen.host.links.values()} | context.departing
    if unheld and mac and mac not in known:
        yield _in_use(node, vip, Stranger(mac, "", (node.label,)), away)


def _is_no_vip(context: CheckContext, vip: str) -> bool:
    """Whether it is the router's address, or the like: then it is no wonder that it answers."""
    return any(
        misplaced(ipaddress.ip_address(vip), context.cluster, node, look)
        for node, look in context.nodes
        if not list(addressless(node, look))
    )


def _in_use(node: Node, vip: str, stranger: Stranger, away: list[str]) -> Finding:
    if away and not (stranger.address or stranger.node):
        what = (
            f"{vip} is in use, by {stranger.mac}: "
            f"{' or '.join(away)}, which could not be asked, or a stranger"
        )
        return Finding(
            VIP_FREE.id, node.label, "warn", what, "look at that node first: `ip address`"
        )
    verdict: Verdict = "warn" if stranger.node else "fail"
    what = f"{vip} is in use by {stranger.name}"
    return Finding(VIP_FREE.id, node.label, verdict, what, stranger.fix)


def _arriving(context: CheckContext, node: Node, heard: tuple[str, ...]) -> list[Stranger]:
    """The strangers whose adverts arrive at a node, but for those that were heard otherwise."""
    expected = {*context.forget, *context.pruned, *heard}
    found = advertising(context.cluster, context.observed)
    return [s for s in found if node.label in s.seen_from and s.address not in expected]


def _may_speak(look: ObservedNode, number: int) -> bool:
    """Whether a keepalived on that node may send adverts with that virtual_router_id."""
    identity = running_settings(look)
    ours = {c.id for c in look.containers if c.role == "keepalived" and c.cluster}
    others = set(look.keepaliveds.values()) - ours
    if identity is None or others:
        return bool(look.keepaliveds)
    # 0: what it runs is not what its file says.
    return identity.virtual_router_id in (number, 0)


VIRTUAL_ROUTER_ID = Check(
    "virtual-router-id",
    "virtual_router_id unused",
    "no other machine on the segment sends VRRP adverts with `vrrp.virtual_router_id`: a "
    "failure with multicast, a warning with unicast. `check` listens, for 4 s, and only on "
    "nodes that have the keepalived image already and where our keepalived does not run, or "
    "has another virtual_router_id so far; for that `plan` listens, too, and `up` with "
    "multicast. A container of that image, with an instance that cannot become master in that "
    "time, logs whose adverts it refuses. Adverts that are rarer, unicast between others, or "
    "of IPv6 are not heard. Those that reach a node where our keepalived runs are seen there: "
    "from a machine that is no node of the cluster they are a failure",
    "choose another `vrrp.virtual_router_id`; 51 is the usual default",
    again_after=frozenset({"virtual-router-id"}),
)


@VIRTUAL_ROUTER_ID.of_node
def router_id(context: CheckContext, node: Node, look: ObservedNode) -> Iterator[Finding]:
    """Whether nobody else on the segment uses our virtual_router_id."""
    number, heard = context.cluster.vrrp.virtual_router_id, look.host.heard
    arriving = _arriving(context, node, heard or ())
    for stranger in arriving:
        what = f"adverts with virtual_router_id {number} come from {stranger.name}"
        # keepalived takes unicast adverts from any address (vrrp_check_unicast_src is off).
        clash = stranger.forgotten or look.vrrp or context.cluster.vrrp.mode == "multicast"
        verdict: Verdict = "fail" if clash else "warn"
        yield Finding(VIRTUAL_ROUTER_ID.id, node.label, verdict, what, stranger.fix)
    if heard is None:
        if look.host.thorough and look.segment and not arriving:
            what = f"no other machine's adverts with virtual_router_id {number} arrive"
            yield Finding(VIRTUAL_ROUTER_ID.id, node.label, "pass", what)
        return
    ours = {str(n.address) for n in context.cluster.nodes}
    ours |= {a.address for seen in context.observed.values() for a in seen.addresses}
    # A node of ours may be who has no address in the log of an older keepalived.
    away = len(context.observed) < len(context.cluster.nodes)
    maybe_ours = away or any(_may_speak(seen, number) for seen in context.observed.values())
    strangers = [a or "an unnamed host" for a in heard if a not in ours and (a or not maybe_ours)]
    if strangers:
        what = f"virtual_router_id {number} is used on this segment by {', '.join(strangers)}"
        fix = "choose another vrrp.virtual_router_id"
        # Unicast adverts and multicast ones are not taken for each other.
        clash = context.cluster.vrrp.mode == "multicast"
        yield Finding(VIRTUAL_ROUTER_ID.id, node.label, "fail" if clash else "warn", what, fix)
    elif not heard:
        what = f"no other machine sends adverts with virtual_router_id {number}"
        yield Finding(VIRTUAL_ROUTER_ID.id, node.label, "pass", what)
