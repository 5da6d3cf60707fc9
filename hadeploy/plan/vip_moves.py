"""The moves of the VIP that a plan causes, step by step. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from hadeploy.desired import layout
from hadeploy.desired.desired_node import DesiredNode, Role
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.election import (
    TakeoverProblem,
    competitor_now,
    competitor_then,
    competitors_of,
    elected,
    holder_of,
    unfit_winner,
)
from hadeploy.plan.steps import Impact, NodePlan, Plan, Step
from hadeploy.plan.takeover_candidates import could_hold, drains

_READS_ITS_FILE = (
    "create-container",
    "recreate-container",
    "start-container",
    "reload-container",
)


@dataclass(frozen=True)
class VipMove:
    """The VIP moves during a plan.

    Attributes:
        turn: whose steps cause it.
        winner: the node that has the VIP afterwards.
    """

    turn: NodePlan
    winner: str


def plan_problem(
    cluster: Cluster,
    desired: Mapping[str, DesiredNode],
    observed: Mapping[str, ObservedNode],
    plan: Plan,
) -> TakeoverProblem | None:
    """Why a plan must not begin: it lets a node win the VIP that reaches fewer backends.

    Args:
        cluster: what the plan is for.
        desired: by node label.
        observed: the same nodes.
        plan: the steps.
    """
    holder = holder_of(cluster, observed)
    if holder is None:
        return None
    simulation = _Simulation(cluster, desired, observed, holder)
    for move in simulation.run(plan.nodes):
        if problem := unfit_winner(cluster, observed, move.winner, holder):
            return problem
    others = [look for node, look in observed.items() if node != holder]
    hands_over = any(step.impact is Impact.HANDOVER for t in plan.nodes for step in t.steps)
    if hands_over and others and all(layout.OPERATOR_DRAIN in drains(look) for look in others):
        drained = " and ".join(look.node for look in others)
        return TakeoverProblem(
            f"no healthy node could take the VIP over from {holder}: drained: {drained}",
            f"hadeploy undrain {others[0].node}",
        )
    # A node whose programs run may be well again in a moment, and
    # rollout/takeover_candidates.py waits for it.
    if simulation.stranded and not any(_runs(cluster, look) for look in others):
        return TakeoverProblem(
            f"no healthy node could take the VIP over from {simulation.stranded}",
            "add a node to the inventory, or bring the others back; `hadeploy verify` tells what "
            "is wrong with them",
        )
    return None


def _runs(cluster: Cluster, look: ObservedNode) -> bool:
    roles: tuple[Role, ...] = ("haproxy", "keepalived")
    return all(look.ours_of(cluster.name, role) for role in roles)


def vip_moves(
    cluster: Cluster,
    desired: Mapping[str, DesiredNode],
    observed: Mapping[str, ObservedNode],
    plan: Plan,
) -> list[VipMove]:
    """Each move of the VIP that a plan causes, in order.

    Args:
        cluster: what the plan is for.
        desired: by node label.
        observed: the same nodes.
        plan: the steps.

    Returns:
        Nothing where no single node has the VIP now, or its keepalived does not answer.
    """
    holder = holder_of(cluster, observed)
    return list(_Simulation(cluster, desired, observed, holder).run(plan.nodes)) if holder else []


def joins(cluster: Cluster, node: str, observed: Mapping[str, ObservedNode]) -> bool:
    """Whether a node takes no part now, and another one has the VIP.

    Args:
        cluster: the inventory.
        node: its label.
        observed: all nodes, by label.
    """
    look = observed[node]
    alone = holder_of(cluster, observed) in (None, node)
    return not (alone or could_hold(cluster, look) or drains(look))


def wins_by_joining(
    cluster: Cluster, desired: DesiredNode, observed: Mapping[str, ObservedNode]
) -> bool:
    """Whether a node that takes no part now would take the VIP as soon as it does.

    Args:
        cluster: the inventory.
        desired: what the node should have.
        observed: all nodes, by label.
    """
    holder = holder_of(cluster, observed)
    if holder is None or not joins(cluster, desired.node, observed):
        return False
    competitors = competitors_of(cluster, observed)
    competitors[desired.node] = competitor_then(cluster, desired)
    return elected(competitors, holder) == desired.node


class _Simulation:
    """Follows a plan step by step: who takes part, with which settings, and who has the VIP."""

    def __init__(
        self,
        cluster: Cluster,
        desired: Mapping[str, DesiredNode],
        observed: Mapping[str, ObservedNode],
        holder: str,
    ) -> None:
        self._new = {node: competitor_then(cluster, wanted) for node, wanted in desired.items()}
        self._settings = {n: now for n, look in observed.items() if (now := competitor_now(look))}
        self._competitors = competitors_of(cluster, observed)
        self._competitors.setdefault(holder, self._settings[holder])
        self._held = {n for n, look in observed.items() if layout.RUN_DRAIN in drains(look)}
        self._drained = {n for n, look in observed.items() if layout.OPERATOR_DRAIN in drains(look)}
        self._holder = holder
        self._pinned = False
        # The first node that has to hand the VIP over when no other one takes part.
        self.stranded = ""

    def run(self, turns: Sequence[NodePlan]) -> Iterator[VipMove]:
        """Each move of the VIP."""
        for turn in turns:
            for step in turn.steps:
                self._take(turn.node, step)
                yield from self._elect(turn)
            if turn.steps:
                # What was stopped runs now.
                self._join(turn.node)
                yield from self._elect(turn)

    def _take(self, node: str, step: Step) -> None:
        gives_up = step.action == "stop-container" and step.role == "keepalived"
        if step.action in ("hold", "handover") or gives_up:
            self._held.add(node)
            self._competitors.pop(node, None)
            if step.impact is Impact.HANDOVER and not self._competitors:
                self.stranded = self.stranded or node
        elif step.action == "finish-handover":
            self._held.discard(node)
            self._join(node)
        elif reads_its_file(step):
            self._settings[node] = self._new[node]
            if node in self._competitors:
                self._competitors[node] = self._new[node]
        elif step.action in ("pin", "unpin"):
            self._pinned = step.action == "pin"

    def _join(self, node: str) -> None:
        if node not in self._held | self._drained and node in self._settings:
            self._competitors[node] = self._settings[node]

    def _elect(self, turn: NodePlan) -> Iterator[VipMove]:
        winner = elected(self._competitors, self._holder)
        if not self._pinned and winner not in (None, self._holder):
            self._holder = winner
            yield VipMove(turn, winner)


def refuse_unfit_winner(
    cluster: Cluster,
    desired: Mapping[str, DesiredNode],
    observed: Mapping[str, ObservedNode],
    plan: Plan,
) -> None:
    """Refuse a plan that must not begin.

    Args:
        cluster: what the plan is for.
        desired: by node label.
        observed: the same nodes.
        plan: the steps.

    Raises:
        HadeployError: with the node that would win the VIP.
    """
    problem = plan_problem(cluster, desired, observed, plan) if plan.changes else None
    if problem:
        raise problem.error("planning")


def winning_step(turn: NodePlan) -> int | None:
    """The first step after which its node may win the VIP; None if there is none.

    A node that is held cannot win; another may as soon as keepalived reads its file.

    Args:
        turn: the steps.
    """
    for number, step in enumerate(turn.steps):
        if step.action == "finish-handover":
            return number
    reads = (n for n, step in enumerate(turn.steps) if reads_its_file(step))
    return next(reads, None)


def reads_its_file(step: Step) -> bool:
    """Whether keepalived reads its configuration in that step."""
    return step.role == "keepalived" and step.action in _READS_ITS_FILE
