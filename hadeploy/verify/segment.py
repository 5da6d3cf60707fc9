"""Proofs about the network segment: the VIP is on one machine of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hadeploy.desired.containers import removal_command
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.observed_node import Address, ObservedNode
from hadeploy.plan.diff import lost_vips
from hadeploy.plan.possible_holders import may_hold
from hadeploy.plan.resolution import look_for, unresolved
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
    """Whether each VIP is on one machine, and only nodes of the cluster send adverts.

    Args:
        cluster: the inventory.
        observed: by node label.
    """
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
    holding = [node for node, look in observed.items() if look.holds(vip)]
    wrong = _misplaced(cluster, vip, observed)
    problems = [_on(node, observed[node], vip, address) for node, address in wrong]
    problems += [
        f"{s.name} answers for it, as {' and '.join(s.seen_from)} see it" for s in strangers
    ]
    if len(holding) == 1 and not problems:
        asked = any(look.segment for look in observed.values())
        alone = f"{vip} is bound on {holding[0]} alone"
        seen = f"{alone}, and no other machine answers for it" if asked else alone
        return Proof("vip-held-once", "pass", seen)
    places = " and ".join(holding) if holding else "no node"
    return Proof(
        "vip-held-once",
        "fail",
        "; ".join([f"{vip} is bound on {places}", *problems]),
        hint=_hint(vip, holding, wrong, observed, strangers),
        lasting=bool(problems),
    )


def _resolved(cluster: Cluster, vip: str, observed: Mapping[str, ObservedNode]) -> Iterator[Proof]:
    holding = [node for node, look in observed.items() if look.holds(vip)]
    asked = unresolved(cluster, observed, vip, holding[0]) if len(holding) == 1 else []
    if asked:
        kind = "neighbour discovery" if ":" in vip else "ARP"
        yield Proof(
            "vip-resolved",
            "fail",
            f"{holding[0]}, which has {vip}, does not answer {kind}: {' and '.join(asked)} asked "
            "for it; clients that do not know it yet do not find it",
            hint=f"on {holding[0]}: {look_for(vip)}",
        )


def _apart(cluster: Cluster, observed: Mapping[str, ObservedNode]) -> Iterator[Proof]:
    """All VIPs are on the same node; one that is nowhere or on two nodes is told already."""
    where = {
        str(vip.ip): [node for node, look in observed.items() if look.holds(str(vip.ip))]
        for vip in cluster.vip
    }
    alone = {vip: nodes[0] for vip, nodes in where.items() if len(nodes) == 1}
    if len(set(alone.values())) > 1:
        told = ", ".join(f"{vip} on {node}" for vip, node in alone.items())
        yield Proof(
            "vip-held-once",
            "fail",
            f"the VIPs are not on the same node: {told}",
            hint=f"on the node whose keepalived is not MASTER: docker restart "
            f"{cluster.container_names[1]}; at its start it removes its VIPs",
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


def _on(node: str, look: ObservedNode, vip: str, address: Address) -> str:
    also = sum(a.address == vip for a in look.addresses) > 1
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
    masters = [node for node, look in observed.items() if lost_vips([vip], look)]
    if not holding and masters:
        return f"{masters[0]} is MASTER without it: `hadeploy up` reloads keepalived, which adds it"
    if not holding:
        return "look at keepalived's state and at its haproxy check on every node"
    orphans = [n for n in holding if not may_hold(observed[n], vip)]
    if orphans:
        return (
            f"no keepalived runs on {', '.join(orphans)}: `hadeploy up` starts one, which cures it"
        )
    return "do the nodes hear each other? VRRP is IP protocol 112; look for firewall rules"


def _adverts(cluster: Cluster, observed: Mapping[str, ObservedNode]) -> Iterator[Proof]:
    number = cluster.vrrp.virtual_router_id
    strangers = advertising(cluster, observed, masters=True)
    for stranger in strangers:
        where = " and ".join(stranger.seen_from)
        seen = f"{stranger.name} sends adverts with virtual_router_id {number} to {where}"
        yield Proof("vrrp-members", "fail", seen, hint=stranger.fix, lasting=True)
    # Who listens for less than an interval has not heard every master.
    listened = [look.segment.seconds for look in observed.values() if look.segment]
    if not strangers and max(listened, default=0) > cluster.vrrp.advert_interval:
        yield Proof("vrrp-members", "pass", "only nodes of the cluster send adverts")


def _returned(cluster: Cluster, address: str) -> Proof:
    vips = " and ".join(str(vip.ip) for vip in cluster.vip)
    seen = f"{address}, which was forgotten, answers on the network again, and may take {vips}"
    return Proof("forgotten-nodes", "warn", seen, hint=BACK_FIX)


def _forgotten(cluster: Cluster, addresses: list[str]) -> Iterator[Proof]:
    vips = " and ".join(str(vip.ip) for vip in cluster.vip)
    for address in addresses:
        yield Proof(
            "forgotten-nodes",
            "warn",
            f"{address} was forgotten and not stopped: back on the network, it takes part again, "
            f"and may take {vips}",
            hint=f"before it is connected, run there: `{removal_command(cluster)}`; "
            f"when it is back: `hadeploy up --prune`",
        )
