"""VIPs on machines that are not of the cluster, or in the wrong place. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from hadeploy.diagnose.cause import Cause, recognises
from hadeploy.diagnose.diagnosis import Diagnosis, DiagnosisContext
from hadeploy.verify.stranger import Stranger
from hadeploy.verify.strangers import advertising, answering, misplaced_vips, origin, removal

FORGOTTEN_NODE_BACK = Cause(
    "forgotten-node-back",
    "a node that was forgotten (`up --forget`) is back and holds the VIP beside the cluster",
    "its answers to ARP or IPv6 neighbour discovery for the VIP, or its adverts, as the nodes "
    "see them; the applied record names it",
    "`hadeploy up --prune`, or stop its keepalived",
)
VIP_STRANGER = Cause(
    "vip-stranger",
    "a machine that is no node of the cluster has the VIP, too",
    "answers to ARP or IPv6 neighbour discovery for the VIP from a hardware address that no "
    "node has",
    "give that machine another address, or choose another VIP",
)


@recognises(FORGOTTEN_NODE_BACK, VIP_STRANGER)
def strangers(context: DiagnosisContext) -> Iterator[Diagnosis]:
    """Machines that answer for a VIP beside the cluster."""
    cluster, observed = context.cluster, context.observed
    seen: dict[Stranger, list[str]] = {}
    for vip in (str(vip.ip) for vip in cluster.vip):
        for stranger in answering(cluster, observed, vip):
            if stranger.node and not context.holders(vip):
                # A node that could not be observed may well be the holder.
                continue
            what = f"MAC {stranger.mac} answers for {vip}, as {_nodes(stranger)} see it"
            seen.setdefault(stranger, []).append(what)
    for stranger in advertising(cluster, observed, masters=True):
        if stranger.forgotten:
            what = f"{stranger.address} sends adverts to {_nodes(stranger)}"
            known = next((s for s in seen if s.address == stranger.address), stranger)
            seen.setdefault(known, []).append(what)
    for stranger, evidence in seen.items():
        if stranger.forgotten:
            what = f"{stranger.name} is back, and holds the VIP"
            yield Diagnosis(FORGOTTEN_NODE_BACK.id, (), what, stranger.fix, tuple(evidence))
        else:
            what = f"{stranger.name} has the VIP, too"
            yield Diagnosis(VIP_STRANGER.id, (), what, stranger.fix, tuple(evidence))


def _nodes(stranger: Stranger) -> str:
    return " and ".join(stranger.seen_from)


MISPLACED_VIP = Cause(
    "misplaced-vip",
    "the VIP is also on another interface of a node, or there with another prefix",
    "the node's addresses; keepalived neither puts nor removes it there",
    "`ip address del …` as given, and take it out of the network configuration; for kube-ipvs0 "
    "give the Service another address",
)


@recognises(MISPLACED_VIP)
def misplaced(context: DiagnosisContext) -> Iterator[Diagnosis]:
    """VIPs where keepalived neither puts nor removes them."""
    for node, look in context.nodes:
        for address in misplaced_vips(context.cluster, node, look):
            full = f"{address.address}/{address.prefix}"
            yield Diagnosis(
                MISPLACED_VIP.id,
                (node.label,),
                f"the VIP is on {address.interface}, where keepalived does not put it",
                removal(look, address),
                (f"{node.label}: {full} is on {address.interface}; likely from {origin(address)}",),
            )
