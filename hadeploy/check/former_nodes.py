"""Check for former nodes that still take part. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from hadeploy.check.entry import Check
from hadeploy.check.finding import CheckContext, Finding
from hadeploy.desired import layout
from hadeploy.desired.containers import removal_command
from hadeploy.errors import ExitCode
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.applied import Applied
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.membership import of_another_cluster
from hadeploy.plan.vrrp_settings import present_addresses
from hadeploy.verify.stranger import BACK_FIX, PRUNE
from hadeploy.verify.strangers import answering, forgotten_nodes, is_back

FORMER_NODES = Check(
    "former-nodes",
    "former nodes",
    "no node that was removed from the inventory still takes part. A node to be forgotten must "
    "not answer on the network or send adverts; a forgotten node that does so again is a warning",
    "`hadeploy up --prune`, or `--forget ADDRESS` if it is gone for good",
)


def forgotten_node(context: CheckContext, address: str) -> Finding:
    """The finding for a node to be forgotten, which must be gone."""
    vips = [str(vip.ip) for vip in context.cluster.vip]
    segments = [state.segment for state in context.observed.values() if state.segment]
    answers = [s for vip in vips for s in answering(context.cluster, context.observed, vip)]
    holds = any(stranger.address == address for stranger in answers)
    operation = ""
    if holds or any(address in segment.adverts for segment in segments):
        operation = "answers for the VIP" if holds else "sends adverts"
    elif is_back(context.cluster, context.observed, address):
        operation = "answers on the network"
    if operation:
        return Finding(
            FORMER_NODES.id,
            None,
            "fail",
            f"{address} cannot be forgotten: it {operation} and would still take part",
            f"{PRUNE}; or switch that machine off first (if another machine has that address now: "
            "--skip former-nodes)",
            operation="checking the nodes",
        )
    return Finding(
        FORMER_NODES.id,
        None,
        "warn",
        f"{address} is forgotten, not stopped: when it is back on the network, it takes part again "
        f"and may take {' and '.join(vips)}",
        f"before it is connected, run there: `{removal_command(context.cluster)}`; "
        "when it is back: `hadeploy up --prune`",
    )


def returned_and_incompatible(
    cluster: Cluster, observed: Mapping[str, ObservedNode], forgotten: Collection[str]
) -> Iterator[Finding]:
    """Forgotten nodes that would take the VIP as soon as VRRP settings change: they are there.

    Args:
        cluster: the inventory.
        observed: by node label.
        forgotten: addresses of nodes that would discard the adverts of the holder.
    """
    for address in forgotten:
        if is_back(cluster, observed, address):
            yield Finding(
                FORMER_NODES.id,
                None,
                "fail",
                f"the forgotten node {address} is back on the network: after a change of "
                "VRRP settings it would have the VIP beside the holder",
                f"{PRUNE}; or switch that machine off first (another machine with that address "
                f"now: --skip {FORMER_NODES.id})",
                operation="checking the nodes",
            )


def _of_another_cluster(context: CheckContext, node: str, record: Applied) -> Finding:
    others = " and ".join(m for m in record.members if m != str(context.cluster.node(node).address))
    return Finding(
        FORMER_NODES.id,
        node,
        "fail",
        f"it belongs to another cluster {context.cluster.name}, with the VIP "
        f"{' and '.join(record.vips)} and the nodes {others}",
        "remove it from that cluster first (`hadeploy up --prune` with its inventory), or change "
        "`name` in one of the two inventories",
        operation="checking the nodes",
        code=ExitCode.USAGE,
    )


def naming_records(
    cluster: Cluster, states: Collection[ObservedNode], address: str
) -> tuple[str, str]:
    """The nodes whose records name a former node, and the fix if they are wrong; "" if all do.

    Root on one node can write anything into its record.
    """
    records = {state.node: state.applied for state in states if state.applied}
    naming = [node for node, record in records.items() if address in record.members]
    if len(naming) in (0, len(records)):
        return "", ""
    where = " and ".join(naming)
    path = f"{cluster.root}/{layout.APPLIED}"
    return (
        f", by the record of {where} alone,",
        f"; if that record is wrong: remove {path} on {where}, and find out who changed it",
    )


@FORMER_NODES.of_cluster
def former_nodes(context: CheckContext) -> Iterator[Finding]:
    """Nodes in the records of other nodes that are not in the inventory.

    Such a node still runs: without adverts of its peers, it takes the VIP.
    """
    # A machine with a changed address is not a former node.
    present = present_addresses(context.cluster, context.observed) | set(context.pruned)
    strangers = {
        node: record
        for node in context.observed
        if (record := of_another_cluster(context.cluster, context.observed, node))
    }
    for node, record in strangers.items():
        yield _of_another_cluster(context, node, record)
    states = [state for node, state in context.observed.items() if node not in strangers]
    former = {m for state in states if state.applied for m in state.applied.members} - present
    gone = former - set(context.forget)
    for address in sorted(former - gone):
        yield forgotten_node(context, address)
    forgotten = set(forgotten_nodes(context.cluster, context.observed)) - set(context.pruned)
    for address in sorted(forgotten):
        if is_back(context.cluster, context.observed, address):
            what = f"the forgotten node {address} is back on the network"
            yield Finding(FORMER_NODES.id, None, "warn", what, BACK_FIX)
    for address in sorted(gone):
        by, doubt = naming_records(context.cluster, states, address)
        yield Finding(
            FORMER_NODES.id,
            None,
            "fail",
            f"{address} was a node of this cluster{by} and is not in the inventory",
            "stop it and remove hadeploy from it: `hadeploy up --prune`; "
            f"if it is gone for good: hadeploy up --forget {address}{doubt}",
            operation="checking the nodes",
            code=ExitCode.UNREACHABLE,
        )
    if not gone and not strangers and context.observed:
        yield Finding(FORMER_NODES.id, None, "pass", "no former node still takes part")
