"""Proofs of the network segment: each VIP is on one machine only. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hadeploy.desired.containers import removal_command
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.observed_node import Address, ObservedNode
from hadeploy.plan.diff import lost_vips
from hadeploy.plan.possible_holders import may_hold
from hadeploy.plan.resolution import resolution_advice, unresolved
from hadeploy.verify.proof import Proof
from hadeploy.verify.stranger import BACK_FIX, Stranger
from hadeploy.verify.strangers import (
    advertising,
    answering,
    forgotten_nodes,
    is_back,
    misplaced_vips,
    removal,
)


def segment_proofs(cluster: Cluster, observed: Mapping[str, ObservedNode]) -> Iterator[Proof]:
    """Whether each VIP is on one machine, and only nodes of the cluster send adverts."""
    strangers = advertising(cluster, observed, masters=True)
    for vip in (str(vip.ip) for vip in cluster.vip):
        answers = answering(cluster, observed, vip)
        strangers += answers
        yield _held_once(cluster, vip, observed, answers)
        yield from _resolved(cluster, vip, observed)
    yield from _apart(cluster, observed)
    yield from _adverts(cluster, observed)
    back = {stranger.address for stranger in strangers}
    away = []
    for address in forgotten_nodes(cluster, observed):
        if address not in back and is_back(cluster, observed, address):
            yield _returned(cluster, address)
        elif address not in back:
            away.append(address)
    yield from _forgotten(cluster, away)


def _held_once(
    cluster: Cluster,
    vip: str,
    observed: Mapping[str, ObservedNode],
    strangers: list[Stranger],
) -> Proof:
    holding = [node for node, state in observed.items() if state.holds(vip)]
    wrong = _misplaced(cluster, vip, observed)
    problems = [_on(node, observed[node], vip, address) for node, address in wrong]
    problems += [
        f"{s.name} answers for it (detected by {' and '.join(s.seen_from)})" for s in strangers
    ]
    if len(holding) == 1 and not problems:
        asked = any(state.segment for state in observed.values())
        alone = f"{vip} is bound on {holding[0]} only"
        message = f"{alone}, and no other machine answers for it" if asked else alone
        return Proof("vip-held-once", "pass", message)
    places = " and ".join(holding) if holding else "no node"
    return Proof(
        "vip-held-once",
        "fail",
        "; ".join([f"{vip} is bound on {places}", *problems]),
        hint=_hint(vip, holding, wrong, observed, strangers),
        lasting=bool(problems),
    )


def _resolved(cluster: Cluster, vip: str, observed: Mapping[str, ObservedNode]) -> Iterator[Proof]:
    holding = [node for node, state in observed.items() if state.holds(vip)]
    askers = unresolved(cluster, observed, vip, holding[0]) if len(holding) == 1 else []
    if askers:
        kind = "neighbour discovery" if ":" in vip else "ARP"
        yield Proof(
            "vip-resolved",
            "fail",
            f"{holding[0]}, which has {vip}, does not answer {kind}: {' and '.join(askers)} cannot "
            "resolve it, and neither can new clients",
            hint=f"on {holding[0]}, check {resolution_advice(vip)}",
        )


def _apart(cluster: Cluster, observed: Mapping[str, ObservedNode]) -> Iterator[Proof]:
    """All VIPs must be on the same node; other proofs cover a VIP on no node or on two."""
    where = {
        str(vip.ip): [node for node, state in observed.items() if state.holds(str(vip.ip))]
        for vip in cluster.vip
    }
    alone = {vip: nodes[0] for vip, nodes in where.items() if len(nodes) == 1}
    if len(set(alone.values())) > 1:
        places = ", ".join(f"{vip} on {node}" for vip, node in alone.items())
        yield Proof(
            "vip-held-once",
            "fail",
            f"the VIPs are not on the same node: {places}",
            hint=f"on the node whose keepalived is not MASTER: docker restart "
            f"{cluster.container_names[1]} (at its start, keepalived removes its VIPs)",
        )


def _misplaced(
    cluster: Cluster, vip: str, observed: Mapping[str, ObservedNode]
) -> list[tuple[str, Address]]:
    return [
        (node.label, address)
        for node in cluster.nodes
        if node.label in observed
        for address in misplaced_vips(cluster, node, observed[node.label])
        if address.address == vip
    ]


def _on(node: str, state: ObservedNode, vip: str, address: Address) -> str:
    also = sum(a.address == vip for a in state.addresses) > 1
    where = f"{address.interface} ({address.address}/{address.prefix})"
    return f"on {node} it is {'also ' if also else ''}on {where}"


def _hint(
    vip: str,
    holding: list[str],
    wrong: list[tuple[str, Address]],
    observed: Mapping[str, ObservedNode],
    strangers: list[Stranger],
) -> str:
    if strangers:
        return strangers[0].fix
    if wrong:
        node, address = wrong[0]
        return removal(observed[node], address)
    masters = [node for node, state in observed.items() if lost_vips([vip], state)]
    if not holding and masters:
        return f"{masters[0]} is MASTER without it: `hadeploy up` reloads keepalived, which adds it"
    if not holding:
        return "check the state of keepalived and its haproxy check on every node"
    orphans = [n for n in holding if not may_hold(observed[n], vip)]
    if orphans:
        return (
            f"no keepalived runs on {', '.join(orphans)}: `hadeploy up` starts one, which removes "
            "the VIP"
        )
    return "check for firewall rules that drop VRRP (IP protocol 112) between the nodes"


def _adverts(cluster: Cluster, observed: Mapping[str, ObservedNode]) -> Iterator[Proof]:
    number = cluster.vrrp.virtual_router_id
    strangers = advertising(cluster, observed, masters=True)
    for stranger in strangers:
        where = " and ".join(stranger.seen_from)
        message = f"{stranger.name} sends adverts with virtual_router_id {number} to {where}"
        yield Proof("vrrp-members", "fail", message, hint=stranger.fix, lasting=True)
    # A node that listens for less than an interval may miss a master.
    listened = [state.segment.seconds for state in observed.values() if state.segment]
    if not strangers and max(listened, default=0) > cluster.vrrp.advert_interval:
        yield Proof("vrrp-members", "pass", "only nodes of the cluster send adverts")


def _returned(cluster: Cluster, address: str) -> Proof:
    vips = " and ".join(str(vip.ip) for vip in cluster.vip)
    message = f"the forgotten node {address} is back on the network, and may take {vips}"
    return Proof("forgotten-nodes", "warn", message, hint=BACK_FIX)


def _forgotten(cluster: Cluster, addresses: list[str]) -> Iterator[Proof]:
    vips = " and ".join(str(vip.ip) for vip in cluster.vip)
    for address in addresses:
        yield Proof(
            "forgotten-nodes",
            "warn",
            f"{address} was forgotten but not stopped: if it returns to the network, it may take "
            f"{vips}",
            hint=f"before it is connected, run there: `{removal_command(cluster)}`; "
            f"when it is back: `hadeploy up --prune`",
        )
