"""The plans before the final one, if nodes join or leave: new nodes start before others leave."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping

from pydantic import SecretStr

from hadeploy.desired.desired_node import DesiredNode
from hadeploy.inventory.cluster import Cluster, Node
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.election import holder_of
from hadeploy.plan.inputs import Inputs, RunOptions
from hadeploy.plan.joining import (
    Introduction,
    introduction,
    join_plan,
    member_order,
    must_join_first,
)
from hadeploy.plan.order import added_nodes
from hadeploy.plan.rolling import VIP_MOVES, make_plan
from hadeploy.plan.steps import Impact, Plan
from hadeploy.plan.vrrp_settings import running_settings, with_running_settings
from hadeploy.rollout.desired_state import desired_state
from hadeploy.rollout.prepare import Prepared


@dataclasses.dataclass(frozen=True)
class _Stage:
    """The inputs of these plans.

    Attributes:
        everyone: all observed nodes, including those that leave.
        departing: labels of the nodes that leave, which are their addresses.
        cluster: the inventory with the present VRRP settings of the nodes.
        holder: the label of the holder.
        members: the addresses of all nodes.
    """

    inputs: Inputs
    choices: RunOptions
    observed: Mapping[str, ObservedNode]
    everyone: dict[str, ObservedNode]
    departing: tuple[str, ...]
    cluster: Cluster
    password: SecretStr | None
    holder: str
    members: tuple[str, ...]

    def addresses(self) -> dict[str, str]:
        """The addresses of the nodes, by label."""
        own = {n.label: str(n.address) for n in self.cluster.nodes if n.label in self.observed}
        return own | {label: label for label in self.departing}


def earlier_stage(
    inputs: Inputs,
    final: Plan,
    observed: Mapping[str, ObservedNode],
    choices: RunOptions,
) -> Prepared | None:
    """The plan that must precede the final one, while all nodes still take part.

    Args:
        inputs: of the run.
        final: the plan for the inventory.
        observed: the nodes of the inventory, by label.
        choices: the options of the run, and the nodes that it removes.

    Returns:
        None if no such plan is needed. Also if no single node holds the VIP, if the nodes have
        different VRRP settings, or if a forgotten node is back.
    """
    departing = choices.departing
    everyone = {**observed, **departing}
    if not _take_part(departing, observed):
        return None
    spoken = with_running_settings(inputs.cluster, everyone)
    holder = holder_of(spoken[0], everyone) if spoken else None
    if spoken is None or holder is None:
        return None
    wanted = [str(node.address) for node in inputs.cluster.nodes]
    stage = _Stage(
        inputs,
        choices,
        observed,
        everyone,
        tuple(departing),
        *spoken,
        holder,
        member_order(wanted, list(departing), everyone),
    )
    own = {node: address for node, address in stage.addresses().items() if node in observed}
    new = added_nodes(own, everyone)
    if must_join_first(final, new, observed, departing):
        joining = _join(stage, final, new)
        # Without changes, the remaining nodes get the new peers in the final plan.
        if joining is None or joining.plan.changes:
            return joining
    return _change_before_removal(stage, final) if departing else None


def _take_part(departing: Collection[str], observed: Mapping[str, ObservedNode]) -> bool:
    """Whether the nodes that leave are still peers of those that stay, if any stay."""
    known = {m for state in observed.values() if state.applied for m in state.applied.members}
    return not known or known.issuperset(departing)


def _join(stage: _Stage, final: Plan, new: list[str]) -> Prepared | None:
    """The plan that adds new nodes to the peers of the others, and starts them.

    Returns:
        None if a node cannot get the new peers: the new nodes would not receive its adverts.
    """
    there = [node for node in stage.everyone if node not in new]
    introductions = _introductions(stage, there)
    if introductions is None:
        return None
    vrrp = stage.cluster.vrrp
    if any("unicast_peer" in i.desired.files[-1].content for i in introductions.values()):
        vrrp = vrrp.model_copy(update={"mode": "unicast"})
    cluster = stage.cluster.model_copy(update={"vrrp": vrrp})
    desired = {node: wanted for node, wanted in _wanted(stage, cluster).items() if node in new}
    joining = make_plan(cluster, desired, stage.everyone)
    plan = join_plan(introductions, stage.everyone, stage.holder, joining)
    leaving = [Node.model_validate({"address": address}) for address in stage.departing]
    changed = [turn.node for turn in final.nodes if turn.steps and turn.node not in new]
    rest = [f"{', '.join(changed)} {'changes' if len(changed) == 1 else 'change'}"] * bool(changed)
    rest += [_leave(stage)] * bool(leaving)
    return Prepared(
        cluster.model_copy(update={"nodes": (*cluster.nodes, *leaving)}),
        stage.everyone,
        {**{node: i.desired for node, i in introductions.items()}, **desired},
        dataclasses.replace(plan, removes=final.removes, warnings=_warnings(final)),
        f"After that, {', then '.join(rest)}.",
        introductions=introductions,
        before_removal=bool(stage.departing),
    )


def _introductions(stage: _Stage, there: list[str]) -> dict[str, Introduction] | None:
    addresses = stage.addresses()
    found = {}
    for node in there:
        state = stage.everyone[node]
        running = running_settings(state)
        if running is None:
            continue
        alone = len(there) == 1 and stage.inputs.cluster.vrrp.mode == "unicast"
        # With multicast there are no peers in the configuration: only the record changes.
        unicast = running.mode == "unicast" or alone
        one = introduction(
            state, stage.cluster.name, addresses[node], stage.members, unicast=unicast
        )
        if one is None:
            return None
        found[node] = one
    return found


def _change_before_removal(stage: _Stage, final: Plan) -> Prepared | None:
    """The plan for changes that may fail or need a handover, before the nodes leave.

    Returns:
        None if only the peers change, or if the change is coordinated.
    """
    desired = _wanted(stage, stage.cluster)
    plan = make_plan(stage.cluster, desired, stage.everyone)
    steps = [step for turn in plan.nodes for step in turn.steps]
    peers_only = all(
        step.role != "haproxy" and step.action in ("write-file", "reload-container", "write-record")
        for step in steps
    )
    if plan.coordinated or peers_only:
        return None
    return Prepared(
        stage.cluster,
        stage.everyone,
        desired,
        dataclasses.replace(plan, removes=final.removes),
        f"After that, {_leave(stage)}.",
        before_removal=True,
    )


def _wanted(stage: _Stage, cluster: Cluster) -> dict[str, DesiredNode]:
    return desired_state(
        stage.inputs,
        cluster,
        stage.observed,
        stage.password,
        stage.choices,
        members=stage.members,
        everyone=stage.everyone,
    )


def _leave(stage: _Stage) -> str:
    verb = "leaves" if len(stage.departing) == 1 else "leave"
    return f"{', '.join(stage.departing)} {verb} the cluster"


def _warnings(final: Plan) -> tuple[str, ...]:
    """The effect of the later plans on traffic, which a new node can take over."""
    interrupting = (Impact.HANDOVER, Impact.RESTART, Impact.OUTAGE)
    moves = any(
        turn.holder and any(step.impact in interrupting for step in turn.steps)
        for turn in final.nodes
    )
    return (VIP_MOVES,) if moves else ()
