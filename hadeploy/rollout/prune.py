"""`up --prune`: stops nodes that left the inventory, before their peers remove them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from hadeploy.errors import ExitCode, HadeployError, NodesError
from hadeploy.inventory.cluster import Cluster, Node
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.down import handover_vips
from hadeploy.plan.membership import cluster_vips, may_be_removed, vips_of
from hadeploy.plan.steps import Plan
from hadeploy.plan.vrrp_settings import present_addresses
from hadeploy.progress import Progress
from hadeploy.remote.session import Session
from hadeploy.rollout.down import down_script, prove_gone, remove
from hadeploy.rollout.lock import held
from hadeploy.rollout.takeover_candidates import find_successor
from hadeploy.verify.strangers import forgotten_nodes


def former_nodes(cluster: Cluster, observed: Mapping[str, ObservedNode]) -> list[Node]:
    """The nodes that are in the records but not in the inventory.

    A forgotten node is included once it is back on the network.

    Args:
        cluster: the inventory.
        observed: by node label.

    Returns:
        The nodes with their addresses only; other settings are those of all nodes.
    """
    # A node whose address has changed has not left.
    present = present_addresses(cluster, observed)
    named = {m for state in observed.values() if state.applied for m in state.applied.members}
    segments = [state.segment for state in observed.values() if state.segment]
    seen = {a for segment in segments for a in (*segment.answers, *segment.adverts)}
    forgotten = forgotten_nodes(cluster, observed)
    named |= {address for address in forgotten if address in seen or not segments}
    return [Node.model_validate({"address": address}) for address in sorted(named - present)]


def given_nodes(cluster: Cluster, addresses: Sequence[str]) -> list[Node]:
    """The nodes that `--former` names.

    Args:
        cluster: the inventory.
        addresses: from the command line.

    Raises:
        HadeployError: one is no address, or belongs to a node of the inventory.
    """
    present = {str(node.address) for node in cluster.nodes}
    nodes = []
    for text in addresses:
        try:
            node = Node.model_validate({"address": text})
        except ValueError:
            raise _not_former(f"{text!r} is no IP address") from None
        if node.label in present:
            raise _not_former(f"{text} is in the inventory")
        nodes.append(node)
    return nodes


def _not_former(what: str) -> HadeployError:
    hint = "give the address of a node that left the inventory"
    return HadeployError(what, operation="reading --former", hint=hint, code=ExitCode.USAGE)


def refuse_strangers(
    cluster: Cluster,
    looks: Mapping[str, ObservedNode],
    staying: Mapping[str, ObservedNode],
    known: Collection[str],
) -> None:
    """Refuse nodes that do not belong to this cluster, according to their own records.

    Another cluster may have the same name, an old record may name addresses that another cluster
    has now, and the record of one node does not prove what another node belongs to.

    Args:
        cluster: the inventory.
        looks: the observed nodes, by address.
        staying: the nodes of the inventory, by label.
        known: addresses in the records on the nodes of the inventory.

    Raises:
        NodesError: with each node that does not belong to this cluster.
    """
    vips = cluster_vips(cluster, staying)
    errors = []
    for address, state in looks.items():
        if address in known:
            if not may_be_removed(cluster, staying, address, state):
                errors.append(_of_another(cluster, address, state))
        elif not (state.applied and vips & vips_of(state.applied)):
            errors.append(_without_record(cluster, address))
    if errors:
        raise NodesError(errors)


def _without_record(cluster: Cluster, address: str) -> HadeployError:
    vips = " or ".join(sorted(str(vip.ip) for vip in cluster.vip))
    return HadeployError(
        f"it has no record of cluster {cluster.name} with {vips}",
        node=address,
        operation="looking at former nodes",
        hint="--former takes the address of a node that `hadeploy up` deployed for this "
        "cluster, with the same VIP; its record names the others",
        code=ExitCode.USAGE,
    )


def _of_another(cluster: Cluster, address: str, state: ObservedNode) -> HadeployError:
    reason = "what runs there has another VIP"
    if state.applied:
        nodes, vips = " and ".join(state.applied.members), " and ".join(sorted(state.applied.vips))
        reason = f"its own record has {vips} and names {nodes}"
    return HadeployError(
        f"a record names it as a node of cluster {cluster.name}, but {reason}",
        node=address,
        operation="looking at former nodes",
        hint=f"to leave it unchanged: hadeploy up --forget {address} --skip former-nodes",
        code=ExitCode.USAGE,
    )


def without_nodes(cluster: Cluster, nodes: list[Node]) -> Cluster:
    """The cluster with these nodes instead of those of the inventory."""
    return cluster.model_copy(update={"nodes": tuple(nodes)})


def remove_nodes(
    cluster: Cluster,
    plan: Plan,
    looks: Mapping[str, ObservedNode],
    staying: Mapping[str, ObservedNode],
    sessions: Mapping[str, Session],
    former: Mapping[str, Session],
    progress: Progress,
) -> None:
    """Remove the cluster from former nodes; a holder hands the VIP over first.

    Args:
        cluster: the inventory.
        plan: from `leaving_plan`.
        looks: the observed former nodes.
        staying: the nodes that stay, by label.
        sessions: to the nodes that stay.
        former: to the former nodes.
        progress: receives the steps.

    Raises:
        HadeployError: no healthy node can take the VIP, or something could not be removed.
    """
    everywhere = {**sessions, **former}
    with held("up", cluster, everywhere, progress) as lock:
        progress.phase("Prune")
        for turn in plan.nodes:
            if turn.holder:
                find_successor(cluster, None, turn.node, sessions, holder=looks[turn.node])
            state = looks[turn.node]
            vips = handover_vips(cluster, state, staying)
            script = down_script(cluster, turn, state, lock, vips)
            remove(script, turn, former[turn.node], progress)
    prove_gone(cluster, looks, former, progress)
