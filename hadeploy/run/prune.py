"""`up --prune`: nodes that left the inventory are stopped before their peers forget them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hadeploy.check.segment import forgotten_nodes
from hadeploy.errors import ExitCode, HadeployError
from hadeploy.inventory.model import Cluster, Node
from hadeploy.observe.model import ObservedNode
from hadeploy.plan.model import Plan
from hadeploy.run.down import down_script, prove_gone, remove
from hadeploy.run.lock import held
from hadeploy.run.progress import Progress
from hadeploy.run.successor import find_successor
from hadeploy.transport.session import Session


def former_nodes(cluster: Cluster, observed: Mapping[str, ObservedNode]) -> list[Node]:
    """The nodes that the records on the others name and the inventory does not.

    A forgotten node is one of them as soon as it is back on the network.

    Args:
        cluster: the inventory.
        observed: by node label.

    Returns:
        Known by address alone; the rest is the ssh config's, and the inventory's for all nodes.
    """
    present = {str(node.address) for node in cluster.nodes}
    named = {m for look in observed.values() if look.applied for m in look.applied.members}
    segments = [look.segment for look in observed.values() if look.segment]
    seen = {a for segment in segments for a in (*segment.answers, *segment.adverts)}
    forgotten = forgotten_nodes(cluster, observed)
    named |= {address for address in forgotten if address in seen or not segments}
    return [Node.model_validate({"address": address}) for address in sorted(named - present)]


def refuse_strangers(
    cluster: Cluster, looks: Mapping[str, ObservedNode], given: Sequence[str]
) -> None:
    """Refuse addresses that the user gives and that are of no node of this cluster.

    Args:
        cluster: the inventory.
        looks: the nodes as observed, by address.
        given: the addresses.

    Raises:
        HadeployError: a node has no record of a cluster of that name.
    """
    for address in given:
        applied = looks[address].applied if address in looks else None
        if address in looks and (applied is None or address not in applied.members):
            raise HadeployError(
                f"it has no record of cluster {cluster.name}",
                node=address,
                doing="reading --former",
                hint="give the address of a node that `hadeploy up` has set up for this cluster",
                code=ExitCode.USAGE,
            )


def without_nodes(cluster: Cluster, nodes: list[Node]) -> Cluster:
    """The cluster as it is seen from its former nodes."""
    return cluster.model_copy(update={"nodes": tuple(nodes)})


def take_out(
    cluster: Cluster,
    plan: Plan,
    looks: Mapping[str, ObservedNode],
    sessions: Mapping[str, Session],
    former: Mapping[str, Session],
    progress: Progress,
) -> None:
    """Stop former nodes, and remove what is ours there; a holder hands the VIP over first.

    Args:
        cluster: the inventory.
        plan: from `leaving_plan`.
        looks: the former nodes as they were observed.
        sessions: to the nodes that stay.
        former: to those that go.
        progress: told the steps.

    Raises:
        HadeployError: no healthy node could take the VIP, or something did not go away.
    """
    everywhere = {**sessions, **former}
    with held("up", cluster, everywhere, progress) as lock:
        progress.phase("Take out")
        for turn in plan.nodes:
            if turn.holder:
                find_successor(cluster, None, turn.node, sessions, holder=looks[turn.node])
            script = down_script(cluster, turn, looks[turn.node], lock)
            remove(script, turn, former[turn.node], progress)
    prove_gone(cluster, looks, former, progress)
