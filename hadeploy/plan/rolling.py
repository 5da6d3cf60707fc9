"""The plan of a cluster: the order of the nodes, and the moves of the VIP. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from hadeploy.desired import layout
from hadeploy.desired.desired_node import DesiredNode, configuration_id
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.capacity import too_small
from hadeploy.plan.diff import node_steps, record_step
from hadeploy.plan.forgotten import forgotten_warnings
from hadeploy.plan.order import added_nodes, holders, rolling_order
from hadeploy.plan.removed import removed
from hadeploy.plan.removed_local import local_removed
from hadeploy.plan.steps import Impact, NodePlan, Plan, Step
from hadeploy.plan.takeover_candidates import drains, unhealthy
from hadeploy.plan.vip_moves import joins, reads_its_file, wins_by_joining
from hadeploy.plan.vrrp_settings import cluster_wide

THE_VIP = "the VIP"
VIP_MOVES = "When the VIP moves, open connections are interrupted; new ones are answered."


@dataclass(frozen=True)
class _Situation:
    """The inputs of the turns of all nodes."""

    cluster: Cluster
    desired: Mapping[str, DesiredNode]
    observed: Mapping[str, ObservedNode]
    holding: tuple[str, ...]
    order: tuple[str, ...]
    configuration: str | None

    def turn(self, node: str, steps: list[Step], *, coordinated: bool = False) -> NodePlan:
        drained = bool(drains(self.observed[node]))
        return NodePlan(node, tuple(steps), node in self.holding, drained, coordinated)

    def recorded(self, node: str, steps: list[Step], *, changed: bool = False) -> list[Step]:
        return [
            *steps,
            *record_step(
                self.desired[node],
                self.observed[node],
                self.configuration,
                changed=changed or bool(steps),
            ),
        ]


def make_plan(
    cluster: Cluster,
    desired: Mapping[str, DesiredNode],
    observed: Mapping[str, ObservedNode],
    *,
    only: Collection[str] | None = None,
) -> Plan:
    """The plan of a whole cluster.

    Args:
        desired: by node label.
        observed: the same nodes.
        only: the labels of the nodes to change; None for all.
    """
    situation = _situation(cluster, desired, observed)
    settings = cluster_wide(desired, observed)
    parallel = only is None and _nothing_serves(situation)
    if settings:
        turns = list(_coordinated(situation, settings))
    else:
        turns = list(_parallel(situation)) if parallel else _rolling(situation)
    if only is not None:
        turns = [turn for turn in turns if turn.node in only]
    warnings = tuple(_expectations(cluster, turns, settings))
    warnings += tuple(forgotten_warnings(cluster, desired, settings))
    changed = {turn.node for turn in turns if turn.steps}
    removes = removed(cluster, desired, observed, changed)
    warnings = (
        *warnings,
        *local_removed(desired, observed, changed),
        *too_small(cluster, observed, changed),
    )
    return Plan(tuple(turns), settings, warnings, parallel, removes)


def interrupts_the_holder(plan: Plan) -> bool:
    """Whether a coordinated change would also replace containers of the holder."""
    return bool(plan.coordinated) and any(
        turn.holder and any(step.impact is Impact.RESTART for step in turn.steps)
        for turn in plan.nodes
    )


def changing(settings: Sequence[str]) -> str:
    """The subject and verb of a sentence about changing settings."""
    return f"{', '.join(settings)} {'changes' if len(settings) == 1 else 'change'}"


def as_outage(plan: Plan) -> Plan:
    """The plan as an outage: it replaces containers of the holder while no node can take over."""
    turns = tuple(
        dataclasses.replace(turn, steps=tuple(_outage(step) for step in turn.steps))
        if turn.holder
        else turn
        for turn in plan.nodes
    )
    warning = (
        "The VRRP settings of the nodes differ, so the holder does not answer while its container "
        "is replaced."
    )
    return dataclasses.replace(plan, nodes=turns, warnings=(*plan.warnings, warning))


def _outage(step: Step) -> Step:
    restarts = step.impact is Impact.RESTART
    return dataclasses.replace(step, impact=Impact.OUTAGE) if restarts else step


def _situation(
    cluster: Cluster, desired: Mapping[str, DesiredNode], observed: Mapping[str, ObservedNode]
) -> _Situation:
    vips = {str(vip.ip) for vip in cluster.vip}
    # The VIPs in a record count for its own node only.
    holding = [
        node
        for state in observed.values()
        for node in holders({*vips, *(state.applied.vips if state.applied else ())}, [state])
    ]
    addresses = {node.label: str(node.address) for node in cluster.nodes if node.label in desired}
    order = rolling_order(
        {node: d.priority for node, d in desired.items()},
        holding,
        added_nodes(addresses, observed),
        unhealthy(cluster, observed),
    )
    return _Situation(
        cluster,
        desired,
        observed,
        tuple(holding),
        tuple(order),
        configuration_id(desired) if len(desired) == len(cluster.nodes) else None,
    )


# ---- all nodes at once


def _nothing_serves(at: _Situation) -> bool:
    """Whether no node has a VIP, a record or a container of the cluster."""
    fresh = not any(state.applied or state.ours(at.cluster.name) for state in at.observed.values())
    return fresh and not at.holding and len(at.observed) == len(at.cluster.nodes)


def _parallel(at: _Situation) -> Iterator[NodePlan]:
    """The turns of a first deployment; the preferred node gets the VIP, even if it is slower."""
    first, *others = at.order
    first_steps = node_steps(at.cluster, at.desired[first], at.observed[first])
    yield at.turn(first, at.recorded(first, first_steps))
    for node in others:
        steps = [
            Step("hold", THE_VIP, f"{first} gets it first"),
            *node_steps(at.cluster, at.desired[node], at.observed[node]),
            Step("await", THE_VIP, f"{first} gets it first"),
            Step("finish-handover", THE_VIP, "this node may hold it too"),
        ]
        yield at.turn(node, at.recorded(node, steps))


# ---- one node after the other


def _rolling(at: _Situation) -> list[NodePlan]:
    turns = []
    for node in at.order:
        steps = node_steps(at.cluster, at.desired[node], at.observed[node])
        turns.append(at.turn(node, at.recorded(node, _handed_over(at, node, steps))))
    # First release healthy nodes that an interrupted run has drained, so they can take over.
    return sorted(turns, key=lambda turn: not _only_releases(turn))


def _only_releases(turn: NodePlan) -> bool:
    actions = {step.action for step in turn.steps}
    return "finish-handover" in actions and actions <= {"finish-handover", "write-record"}


def _handed_over(at: _Situation, node: str, steps: list[Step]) -> list[Step]:
    """A node's steps, with a handover if they would interrupt the holder.

    A reload keeps every connection, but a handover interrupts long ones, so it is used only where
    needed. A single node cannot hand over the VIP.
    """
    state = at.observed[node]
    first = next((i for i, step in enumerate(steps) if step.impact is Impact.RESTART), None)
    left = [Step("finish-handover", THE_VIP, "left by an interrupted run")]
    if condition := _held_until(at, node, steps):
        return [
            Step("hold", THE_VIP, f"until this node {condition}"),
            *steps,
            Step("finish-handover", THE_VIP, "this node may hold the VIP"),
        ]
    if node not in at.holding or first is None or state.vrrp is None:
        return [*steps, *left] if layout.RUN_DRAIN in drains(state) else steps
    if len(at.observed) == 1:
        return [_outage(step) for step in steps]
    before = f"before the {steps[first].action.replace('-', ' ')} of {steps[first].subject}"
    back = "the VIP may return" if at.cluster.vrrp.preempt else "the VIP stays on its new node"
    return [
        *steps[:first],
        Step("handover", THE_VIP, before, Impact.HANDOVER),
        *steps[first:],
        Step("finish-handover", THE_VIP, back),
    ]


def _held_until(at: _Situation, node: str, steps: list[Step]) -> str:
    """The condition for a joining node to get the VIP, or ""."""
    if any(s.role for s in steps) and wins_by_joining(at.cluster, at.desired[node], at.observed):
        return "reaches the backends"
    if any(map(reads_its_file, steps)) and joins(at.cluster, node, at.observed):
        return "receives the holder's adverts"
    return ""


# ---- all nodes together


def _coordinated(at: _Situation, settings: tuple[str, ...]) -> Iterator[NodePlan]:
    """The turns of a coordinated change, during which nodes ignore each other's adverts.

    The backups are held in FAULT, where they send no adverts, and change. Then the holder changes
    and keeps answering on the VIP while its VRRP instance restarts. Then the backups are released.
    So there are never two masters.
    """
    # In a split brain, all holders but one are treated like backups.
    staying = [node for node in at.order if node in at.holding][-1:]
    backups = [node for node in at.order if node not in staying]
    for node in backups:
        steps = node_steps(at.cluster, at.desired[node], at.observed[node])
        if layout.RUN_DRAIN not in drains(at.observed[node]):
            steps.insert(0, Step("hold", THE_VIP, f"{changing(settings)} on all nodes together"))
        yield at.turn(node, steps, coordinated=True)
    for node in staying:
        steps = node_steps(at.cluster, at.desired[node], at.observed[node])
        if steps:
            pinned = [
                Step("pin", THE_VIP, "stays here while the VRRP instance restarts"),
                *steps,
                Step("unpin", THE_VIP, "keepalived is master again"),
            ]
            steps = pinned
        yield at.turn(node, at.recorded(node, steps), coordinated=True)
    for node in backups:
        release = [Step("finish-handover", THE_VIP, "all nodes have changed")]
        yield at.turn(node, at.recorded(node, release))


def _expectations(
    cluster: Cluster, turns: list[NodePlan], settings: tuple[str, ...]
) -> Iterator[str]:
    """The effects for clients, in sentences."""
    steps = [step for turn in turns for step in turn.steps]
    if settings:
        yield (
            f"{changing(settings)} on all nodes together: no interruption is expected, but for "
            "about 10 s no other node could take over the VIP."
        )
    if settings and any(vip.version == 6 for vip in cluster.vip):
        yield (
            "If the nodes do not forward IPv6 (net.ipv6.conf.*.forwarding), a client without a "
            "neighbour entry of the VIP may wait for "
            f"{4 * cluster.vrrp.advert_interval:g} s during the change, or time out."
        )
    if any(step.action == "handover" for step in steps):
        yield VIP_MOVES
    if any(step.impact is Impact.OUTAGE for step in steps):
        yield "There is only one node: it does not answer while a container is replaced."
