"""Check for nodes that left the inventory and still take part. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from hadeploy.check.entry import Check
from hadeploy.check.finding import CheckContext, Finding
from hadeploy.desired.containers import removal_command
from hadeploy.errors import ExitCode
from hadeploy.observe.observed_node import Applied
from hadeploy.plan.membership import of_another_cluster
from hadeploy.plan.vrrp_settings import present_addresses
from hadeploy.verify.stranger import BACK_FIX, PRUNE
from hadeploy.verify.strangers import answering, forgotten_nodes, is_back

FORMER_NODES = Check(
    "former-nodes",
    "former nodes",
    "no node that left the inventory still takes part; one that is to be forgotten must "
    "not answer on the network or send adverts now, and one that was is named when it does",
    "`hadeploy up --prune`, or `--forget ADDRESS` if it is gone for good",
)


def forgotten_node(context: CheckContext, address: str) -> Finding:
    """A node that is to be forgotten: it must not be there now."""
    vips = [str(vip.ip) for vip in context.cluster.vip]
    segments = [look.segment for look in context.observed.values() if look.segment]
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
            f"{address} cannot be forgotten: it {operation}, and would still take part",
            f"{PRUNE}; or switch that machine off first (another machine with that address now: "
            "--skip former-nodes)",
            operation="checking the nodes",
        )
    return Finding(
        FORMER_NODES.id,
        None,
        "warn",
        f"{address} is forgotten, not stopped: back on the network, it takes part again, and may "
        f"take {' and '.join(vips)}",
        f"before it is connected, run there: `{removal_command(context.cluster)}`; "
        "when it is back: `hadeploy up --prune`",
    )


def _of_another_cluster(context: CheckContext, node: str, record: Applied) -> Finding:
    others = " and ".join(m for m in record.members if m != str(context.cluster.node(node).address))
    return Finding(
        FORMER_NODES.id,
        node,
        "fail",
        f"it is a node of another cluster {context.cluster.name}, with {' and '.join(record.vips)} "
        f"on {others}, too",
        "take it out of that cluster first (`hadeploy up --prune` with its inventory), or give "
        "one of the two another `name`",
        operation="checking the nodes",
        code=ExitCode.USAGE,
    )


@FORMER_NODES.of_cluster
def former_nodes(context: CheckContext) -> Iterator[Finding]:
    """Nodes that the records on the others name and the inventory does not.

    Such a node still runs: once its peers no longer tell it so, it takes the VIP for itself.
    """
    # A machine that has another address than before has not left.
    present = present_addresses(context.cluster, context.observed) | set(context.pruned)
    strangers = {
        node: record
        for node in context.observed
        if (record := of_another_cluster(context.cluster, context.observed, node))
    }
    for node, record in strangers.items():
        yield _of_another_cluster(context, node, record)
    looks = [look for node, look in context.observed.items() if node not in strangers]
    former = {m for look in looks if look.applied for m in look.applied.members} - present
    gone = former - set(context.forget)
    for address in sorted(former - gone):
        yield forgotten_node(context, address)
    forgotten = set(forgotten_nodes(context.cluster, context.observed)) - set(context.pruned)
    for address in sorted(forgotten):
        if is_back(context.cluster, context.observed, address):
            what = f"{address}, which was forgotten, answers on the network again"
            yield Finding(FORMER_NODES.id, None, "warn", what, BACK_FIX)
    for address in sorted(gone):
        yield Finding(
            FORMER_NODES.id,
            None,
            "fail",
            f"{address} was a node of this cluster and is not in the inventory",
            "`hadeploy up --prune` stops it and removes what hadeploy made there; "
            f"if it is gone for good: hadeploy up --forget {address}",
            operation="checking the nodes",
            code=ExitCode.UNREACHABLE,
        )
    if not gone and not strangers and context.observed:
        yield Finding(FORMER_NODES.id, None, "pass", "no former node still takes part")
