"""The plan of a whole cluster: whose turn is when, and what happens to the VIP meanwhile. Pure."""

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
from hadeploy.plan.forgotten import unheard_by_forgotten
from hadeploy.plan.order import added_nodes, holders, rolling_order
from hadeploy.plan.removed import removed
from hadeploy.plan.removed_local import local_removed
from hadeploy.plan.steps import Impact, NodePlan, Plan, Step
from hadeploy.plan.takeover_candidates import drains, unhealthy
from hadeploy.plan.vip_moves import joins, reads_its_file, wins_by_joining
from hadeploy.plan.vrrp_settings import cluster_wide

THE_VIP = "the VIP"
VIP_MOVES = "Connections that are open when the VIP moves are cut; new ones are answered."


@dataclass(frozen=True)
class _Situation:
    """What the turns of all nodes are made from."""

    cluster: Cluster
    desired: Mapping[str, DesiredNode]
    observed: Mapping[str, ObservedNode]
    holding: tuple[str, ...]
    order: tuple[str, ...]
    configuration: str | None

    def turn(self, node: str, steps: list[Step], *, together: bool = False) -> NodePlan:
        drained = bool(drains(self.observed[node]))
        return NodePlan(node, tuple(steps), node in self.holding, drained, together)

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
        cluster: the inventory.
        desired: by node label.
        observed: the same nodes.
        only: the labels of the nodes that may be changed; None for all.
    """
    situation = _situation(cluster, desired, observed)
    settings = cluster_wide(desired, observed)
    at_once = only is None and _nothing_serves(situation)
    if settings:
        turns = list(_together(situation, settings))
    else:
        turns = list(_at_once(situation)) if at_once else _rolling(situation)
    if only is not None:
        turns = [turn for turn in turns if turn.node in only]
    warnings = tuple(_expectations(cluster, turns, settings))
    warnings += tuple(unheard_by_forgotten(cluster, desired, settings))
    changed = {turn.node for turn in turns if turn.steps}
    removes = removed(cluster, desired, observed, changed)
    warnings = (
        *warnings,
        *local_removed(desired, observed, changed),
        *too_small(cluster, observed, changed),
    )
    return Plan(tuple(turns), settings, warnings, at_once, removes)


def interrupts_the_holder(plan: Plan) -> bool:
    """Whether a plan for all nodes together would also take the holder's containers away."""
    return bool(plan.together) and any(
        turn.holder and any(step.impact is Impact.RESTART for step in turn.steps)
        for turn in plan.nodes
    )


def changing(settings: Sequence[str]) -> str:
    """The subject and the verb of a sentence about settings that change."""
    return f"{', '.join(settings)} {'changes' if len(settings) == 1 else 'change'}"


def as_outage(plan: Plan) -> Plan:
    """The same plan, telling that the holder's containers go while nobody can take the VIP."""
    turns = tuple(
        dataclasses.replace(turn, steps=tuple(_outage(step) for step in turn.steps))
        if turn.holder
        else turn
        for turn in plan.nodes
    )
    told = "The nodes disagree now, so the holder does not answer while its container is replaced."
    return dataclasses.replace(plan, nodes=turns, warnings=(*plan.warnings, told))


def _outage(step: Step) -> Step:
    restarts = step.impact is Impact.RESTART
    return dataclasses.replace(step, impact=Impact.OUTAGE) if restarts else step


def _situation(
    cluster: Cluster, desired: Mapping[str, DesiredNode], observed: Mapping[str, ObservedNode]
) -> _Situation:
    vips = {str(vip.ip) for vip in cluster.vip}
    # What one node's record says of VIPs is no matter of the others.
    holding = [
        node
        for look in observed.values()
        for node in holders({*vips, *(look.applied.vips if look.applied else ())}, [look])
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
    """Whether there is nothing of ours, nor a VIP, that one node's turn could take from another."""
    fresh = not any(look.applied or look.ours(at.cluster.name) for look in at.observed.values())
    return fresh and not at.holding and len(at.observed) == len(at.cluster.nodes)


def _at_once(at: _Situation) -> Iterator[NodePlan]:
    """The turns of a first bring-up; the best node has the VIP first, whoever is the quickest."""
    first, *others = at.order
    begins = node_steps(at.cluster, at.desired[first], at.observed[first])
    yield at.turn(first, at.recorded(first, begins))
    for node in others:
        steps = [
            Step("hold", THE_VIP, f"{first} is to have it first"),
            *node_steps(at.cluster, at.desired[node], at.observed[node]),
            Step("await", THE_VIP, f"{first} is to have it first"),
            Step("finish-handover", THE_VIP, "this node may have it, too"),
        ]
        yield at.turn(node, at.recorded(node, steps))


# ---- one node after the other


def _rolling(at: _Situation) -> list[NodePlan]:
    turns = []
    for node in at.order:
        steps = node_steps(at.cluster, at.desired[node], at.observed[node])
        turns.append(at.turn(node, at.recorded(node, _handed_over(at, node, steps))))
    # Whoever is well, and is only kept off the VIP by a dead run, is let go before anything fails.
    return sorted(turns, key=lambda turn: not _only_let_go(turn))


def _only_let_go(turn: NodePlan) -> bool:
    actions = {step.action for step in turn.steps}
    return "finish-handover" in actions and actions <= {"finish-handover", "write-record"}


def _handed_over(at: _Situation, node: str, steps: list[Step]) -> list[Step]:
    """A node's steps with the VIP out of their way.

    A reload keeps every connection, a handover cuts the long ones: only what would interrupt the
    holder is worth one. A node alone has nobody to hand over to.
    """
    look = at.observed[node]
    first = next((i for i, step in enumerate(steps) if step.impact is Impact.RESTART), None)
    left = [Step("finish-handover", THE_VIP, "a run that died left it")]
    if why := _held_until(at, node, steps):
        return [
            Step("hold", THE_VIP, f"until this node {why}"),
            *steps,
            Step("finish-handover", THE_VIP, "it may have the VIP"),
        ]
    if node not in at.holding or first is None or look.vrrp is None:
        return [*steps, *left] if layout.RUN_DRAIN in drains(look) else steps
    if len(at.observed) == 1:
        return [_outage(step) for step in steps]
    before = f"before the {steps[first].action.replace('-', ' ')} of {steps[first].subject}"
    back = "it may come back" if at.cluster.vrrp.preempt else "the VIP stays on its new node"
    return [
        *steps[:first],
        Step("handover", THE_VIP, before, Impact.HANDOVER),
        *steps[first:],
        Step("finish-handover", THE_VIP, back),
    ]


def _held_until(at: _Situation, node: str, steps: list[Step]) -> str:
    """What a node that joins others must prove before it may have the VIP, if anything."""
    if any(s.role for s in steps) and wins_by_joining(at.cluster, at.desired[node], at.observed):
        return "is proven to reach the backends"
    if any(map(reads_its_file, steps)) and joins(at.cluster, node, at.observed):
        return "receives the holder's adverts"
    return ""


# ---- all nodes together


def _together(at: _Situation, settings: tuple[str, ...]) -> Iterator[NodePlan]:
    """The turns of a change that makes nodes strangers to each other until all have it.

    The backups are held in FAULT, where they hear and say nothing, and change; then the holder
    changes where it is, and goes on answering on the VIP while its keepalived starts over; then
    the backups are let go. So there are never two masters.
    """
    # Of two holders, which is wrong already, one is held as a backup is.
    staying = [node for node in at.order if node in at.holding][-1:]
    backups = [node for node in at.order if node not in staying]
    for node in backups:
        steps = node_steps(at.cluster, at.desired[node], at.observed[node])
        if layout.RUN_DRAIN not in drains(at.observed[node]):
            steps.insert(0, Step("hold", THE_VIP, f"{changing(settings)} on all nodes together"))
        yield at.turn(node, steps, together=True)
    for node in staying:
        steps = node_steps(at.cluster, at.desired[node], at.observed[node])
        if steps:
            pinned = [
                Step("pin", THE_VIP, "it stays here while keepalived starts over"),
                *steps,
                Step("unpin", THE_VIP, "keepalived is master again"),
            ]
            steps = at.recorded(node, pinned)
        else:
            steps = at.recorded(node, [])
        yield at.turn(node, steps, together=True)
    for node in backups:
        release = [Step("finish-handover", THE_VIP, "all nodes have changed")]
        yield at.turn(node, at.recorded(node, release))


def _expectations(
    cluster: Cluster, turns: list[NodePlan], settings: tuple[str, ...]
) -> Iterator[str]:
    """What a user of the VIP may notice, in sentences."""
    steps = [step for turn in turns for step in turn.steps]
    if settings:
        yield (
            f"{changing(settings)} on all nodes together: no interruption is expected, but while "
            "it lasts (some 10 s) no other node could take the VIP over."
        )
    if settings and any(vip.version == 6 for vip in cluster.vip):
        yield (
            "Where the nodes do not forward IPv6 (net.ipv6.conf.*.forwarding), a client that does "
            "not know the VIP's MAC address yet may wait for "
            f"{4 * cluster.vrrp.advert_interval:g} s in the meantime, or give up."
        )
    if any(step.action == "handover" for step in steps):
        yield VIP_MOVES
    if any(step.impact is Impact.OUTAGE for step in steps):
        yield "There is one node only: it does not answer while a container is replaced."
