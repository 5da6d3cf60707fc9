"""Checks that VIP and virtual_router_id are free or in use by this cluster. Pure."""

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
    "keepalived uses (keepalived never removes it from `lo`, `kube-ipvs0` or another interface), "
    "and no other machine of the segment answers for it. Every node sends three ARP probes or "
    "neighbour solicitations, with perl; a hardware address that also answers for nodes (proxy "
    "ARP, as in some clouds) is ignored. Without perl, the kernel sends the request, if no node "
    "has the VIP and no keepalived of this cluster on that node has it. A machine that drops ARP "
    "or is switched off is not detected. A VIP on two nodes of the cluster is a warning",
    "as given: `ip address del …`, `hadeploy up --prune` for a forgotten node that is back, "
    "another address for the other machine, or another VIP",
    thorough=True,
    again_after=frozenset({"vip"}),
)


@VIP_FREE.of_node
def vip_free(context: CheckContext, node: Node, state: ObservedNode) -> Iterator[Finding]:
    """Whether only nodes of the cluster have a VIP, on the right interface."""
    for vip in (str(vip.ip) for vip in context.cluster.vip):
        problems = [*_misplaced(context, node, state, vip), *_answered(context, node, state, vip)]
        yield from problems
        if not problems:
            yield from _free(context, node, state, vip)


@VIP_FREE.of_cluster
def held_once(context: CheckContext) -> Iterator[Finding]:
    """Whether no VIP is on two nodes of the cluster."""
    for vip in (str(vip.ip) for vip in context.cluster.vip):
        holders = [
            node.label
            for node, state in context.nodes
            if any(a.address == vip and not a.pinned for a in state.addresses)
            and not list(_misplaced(context, node, state, vip))
        ]
        if len(holders) > 1:
            what = f"{vip} is bound on {' and '.join(holders)}"
            fix = (
                "see `hadeploy verify`; check that no firewall drops the adverts between the nodes "
                "(VRRP is IP protocol 112)"
            )
            yield Finding(VIP_FREE.id, None, "warn", what, fix)


def _free(context: CheckContext, node: Node, state: ObservedNode, vip: str) -> Iterator[Finding]:
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
    answers = state.segment.answers.get(vip, frozenset()) if state.segment else frozenset()
    before = sorted({*answers, state.host.neighbours.get(vip, "")} & set(ours))
    if before:
        what = f"{vip} was on {ours[before[0]]} a moment ago"
        yield Finding(VIP_FREE.id, node.label, "pass", what)
    elif state.segment or vip in state.host.neighbours:
        yield Finding(VIP_FREE.id, node.label, "pass", f"no machine answers for {vip}")


def _misplaced(
    context: CheckContext, node: Node, state: ObservedNode, vip: str
) -> Iterator[Finding]:
    for address in misplaced_vips(context.cluster, node, state):
        if address.address == vip:
            what = (
                f"{vip}/{address.prefix} is on {address.interface}, but keepalived did not add it "
                f"there; most probably {origin(address)} did"
            )
            yield Finding(VIP_FREE.id, node.label, "fail", what, removal(state, address))


def _answered(
    context: CheckContext, node: Node, state: ObservedNode, vip: str
) -> Iterator[Finding]:
    """Strangers that answer, except nodes that this run stops or forgets."""
    if _is_no_vip(context, vip):
        return
    leaving = {*context.forget, *context.pruned}
    away = [n.label for n in context.cluster.nodes if n.label not in context.observed]
    found = answering(context.cluster, context.observed, vip)
    for stranger in found:
        expected = stranger.address in leaving or stranger.mac in context.departing
        if node.label in stranger.seen_from and not expected:
            yield _in_use(node, vip, stranger, away)
    # The kernel keeps only one answer, which is useless if a node has the VIP.
    mac = state.host.neighbours.get(vip, "")
    states = context.observed.values()
    unheld = not state.segment and not any(seen.holds(vip) for seen in states)
    known = {k.mac for seen in states for k in seen.host.links.values()} | context.departing
    if unheld and mac and mac not in known:
        yield _in_use(node, vip, Stranger(mac, "", (node.label,)), away)


def _is_no_vip(context: CheckContext, vip: str) -> bool:
    """Whether the address is invalid as a VIP, such as that of the router, which answers."""
    return any(
        misplaced(ipaddress.ip_address(vip), context.cluster, node, state)
        for node, state in context.nodes
        if not list(addressless(node, state))
    )


def _in_use(node: Node, vip: str, stranger: Stranger, away: list[str]) -> Finding:
    if away and not (stranger.address or stranger.node):
        what = (
            f"{vip} is in use, by {stranger.mac}: "
            f"{' or '.join(away)}, which could not be observed, or another machine"
        )
        return Finding(VIP_FREE.id, node.label, "warn", what, "check that node first: `ip address`")
    verdict: Verdict = "warn" if stranger.node else "fail"
    what = f"{vip} is in use by {stranger.name}"
    return Finding(VIP_FREE.id, node.label, verdict, what, stranger.fix)


def _arriving(context: CheckContext, node: Node, logged: tuple[str, ...]) -> list[Stranger]:
    """The strangers whose adverts arrive at a node, except those in `logged`."""
    expected = {*context.forget, *context.pruned, *logged}
    found = advertising(context.cluster, context.observed)
    return [s for s in found if node.label in s.seen_from and s.address not in expected]


def _may_speak(state: ObservedNode, number: int) -> bool:
    """Whether a keepalived on that node may send adverts with that virtual_router_id."""
    identity = running_settings(state)
    ours = {c.id for c in state.containers if c.role == "keepalived" and c.cluster}
    others = set(state.keepaliveds.values()) - ours
    if identity is None or others:
        return bool(state.keepaliveds)
    # 0: its file was changed after it was loaded.
    return identity.virtual_router_id in (number, 0)


VIRTUAL_ROUTER_ID = Check(
    "virtual-router-id",
    "virtual_router_id unused",
    "no other machine on the segment sends VRRP adverts with `vrrp.virtual_router_id`: a failure "
    "with multicast, a warning with unicast. `check` listens for 4 s, only on nodes that have the "
    "keepalived image and whose keepalived does not run or has another virtual_router_id; then "
    "`plan` also listens, and `up` with multicast. A container of that image, with an instance "
    "that cannot become master in that time, logs the senders of adverts that it refuses. It does "
    "not detect less frequent adverts, unicast between other machines, and IPv6. Adverts that "
    "reach a node with this cluster's keepalived are detected there: from a machine that is not a "
    "node of the cluster, they are a failure",
    "choose another `vrrp.virtual_router_id`; 51 is the usual default",
    again_after=frozenset({"virtual-router-id"}),
)


@VIRTUAL_ROUTER_ID.of_node
def router_id(context: CheckContext, node: Node, state: ObservedNode) -> Iterator[Finding]:
    """Whether no other machine on the segment uses the virtual_router_id."""
    number, heard = context.cluster.vrrp.virtual_router_id, state.host.advert_sources
    arriving = _arriving(context, node, heard or ())
    for stranger in arriving:
        what = f"adverts with virtual_router_id {number} come from {stranger.name}"
        # keepalived takes unicast adverts from any address (vrrp_check_unicast_src is off).
        clash = stranger.forgotten or state.vrrp or context.cluster.vrrp.mode == "multicast"
        verdict: Verdict = "fail" if clash else "warn"
        yield Finding(VIRTUAL_ROUTER_ID.id, node.label, verdict, what, stranger.fix)
    if heard is None:
        if state.host.thorough and state.segment and not arriving:
            what = f"no other machine's adverts with virtual_router_id {number} arrive"
            yield Finding(VIRTUAL_ROUTER_ID.id, node.label, "pass", what)
        return
    ours = {str(n.address) for n in context.cluster.nodes}
    ours |= {a.address for seen in context.observed.values() for a in seen.addresses}
    # The log of an older keepalived has no address; the sender may be a node of the cluster.
    away = len(context.observed) < len(context.cluster.nodes)
    maybe_ours = away or any(_may_speak(seen, number) for seen in context.observed.values())
    strangers = [a or "an unnamed host" for a in heard if a not in ours and (a or not maybe_ours)]
    if strangers:
        what = f"virtual_router_id {number} is used on this segment by {', '.join(strangers)}"
        fix = "choose another vrrp.virtual_router_id"
        # keepalived ignores multicast adverts in unicast mode, and the reverse.
        clash = context.cluster.vrrp.mode == "multicast"
        yield Finding(VIRTUAL_ROUTER_ID.id, node.label, "fail" if clash else "warn", what, fix)
    elif not heard:
        what = f"no other machine sends adverts with virtual_router_id {number}"
        yield Finding(VIRTUAL_ROUTER_ID.id, node.label, "pass", what)
