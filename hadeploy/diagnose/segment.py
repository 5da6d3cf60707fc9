"""VIPs on machines outside the cluster, or on another interface. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from hadeploy.diagnose.cause import Cause, recognises
from hadeploy.diagnose.diagnosis import Diagnosis, DiagnosisContext
from hadeploy.verify.stranger import Stranger
from hadeploy.verify.strangers import advertising, answering, misplaced_vips, origin, removal

FORGOTTEN_NODE_BACK = Cause(
    "forgotten-node-back",
    "a node that was forgotten (`up --forget`) is back and also holds the VIP",
    "its answers to ARP or IPv6 neighbour discovery for the VIP, or its adverts, received by the "
    "nodes; the applied record names it",
    "`hadeploy up --prune`, or stop its keepalived",
)
VIP_STRANGER = Cause(
    "vip-stranger",
    "a machine that is not a node of the cluster also has the VIP",
    "answers to ARP or IPv6 neighbour discovery for the VIP from a hardware address that belongs "
    "to no node",
    "give that machine another address, or choose another VIP",
)


@recognises(FORGOTTEN_NODE_BACK, VIP_STRANGER)
def strangers(context: DiagnosisContext) -> Iterator[Diagnosis]:
    """Other machines that answer for a VIP of the cluster."""
    cluster, observed = context.cluster, context.observed
    seen: dict[Stranger, list[str]] = {}
    for vip in (str(vip.ip) for vip in cluster.vip):
        for stranger in answering(cluster, observed, vip):
            if stranger.node and not context.holders(vip):
                # An unreachable node may be the holder.
                continue
            line = f"{_nodes(stranger)}: MAC {stranger.mac} answers for {vip}"
            seen.setdefault(stranger, []).append(line)
    for stranger in advertising(cluster, observed, masters=True):
        if stranger.forgotten:
            line = f"{_nodes(stranger)}: {stranger.address} sends adverts"
            known = next((s for s in seen if s.address == stranger.address), stranger)
            seen.setdefault(known, []).append(line)
    for stranger, evidence in seen.items():
        if stranger.forgotten:
            message = f"{stranger.name} is back and holds the VIP"
            yield Diagnosis(FORGOTTEN_NODE_BACK.id, (), message, stranger.fix, tuple(evidence))
        else:
            message = f"{stranger.name} also has the VIP"
            yield Diagnosis(VIP_STRANGER.id, (), message, stranger.fix, tuple(evidence))


def _nodes(stranger: Stranger) -> str:
    return ", ".join(stranger.seen_from)


MISPLACED_VIP = Cause(
    "misplaced-vip",
    "a node has the VIP on another interface, or with another prefix",
    "the node's addresses; keepalived neither adds nor removes this one",
    "`ip address del …` as given, and remove the VIP from the network configuration; for "
    "kube-ipvs0, give the Service another address",
)


@recognises(MISPLACED_VIP)
def misplaced(context: DiagnosisContext) -> Iterator[Diagnosis]:
    """VIPs that keepalived neither adds nor removes."""
    for node, state in context.nodes:
        for address in misplaced_vips(context.cluster, node, state):
            full = f"{address.address}/{address.prefix}"
            yield Diagnosis(
                MISPLACED_VIP.id,
                (node.label,),
                f"the VIP is on {address.interface}, but keepalived did not add it there",
                removal(state, address),
                (f"{node.label}: {full} is on {address.interface}; likely from {origin(address)}",),
            )
