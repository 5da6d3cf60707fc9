"""Simulate the moves of the VIP that a plan causes. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from hadeploy.desired import layout
from hadeploy.desired.desired_node import DesiredNode
from hadeploy.desired.roles import ROLES
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
    """A move of the VIP during a plan.

    Attributes:
        turn: the turn whose steps cause it.
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
    """Why a plan must not start: a node that reaches fewer backends would win the VIP.

    Args:
        cluster: the inventory to apply.
        desired: by node label.
        observed: by node label.
    """
    holder = holder_of(cluster, observed)
    if holder is None:
        return None
    simulation = _Simulation(cluster, desired, observed, holder)
    for move in simulation.run(plan.nodes):
        if problem := unfit_winner(cluster, observed, move.winner, holder):
            return problem
    others = [state for node, state in observed.items() if node != holder]
    hands_over = any(step.impact is Impact.HANDOVER for t in plan.nodes for step in t.steps)
    if hands_over and others and all(layout.OPERATOR_DRAIN in drains(state) for state in others):
        drained = " and ".join(state.node for state in others)
        return TakeoverProblem(
            f"no healthy node could take over the VIP from {holder}; drained: {drained}",
            f"hadeploy undrain {others[0].node}",
        )
    # A node with running programs may become healthy soon; rollout/takeover_candidates.py waits.
    if simulation.stranded and not any(_runs(cluster, state) for state in others):
        return TakeoverProblem(
            f"no healthy node could take over the VIP from {simulation.stranded}",
            "add a node to the inventory, or repair the others (`hadeploy verify` shows their "
            "problems)",
        )
    return None


def _runs(cluster: Cluster, state: ObservedNode) -> bool:
    return all(state.ours_of(cluster.name, role) for role in ROLES)


def vip_moves(
    cluster: Cluster,
    desired: Mapping[str, DesiredNode],
    observed: Mapping[str, ObservedNode],
    plan: Plan,
) -> list[VipMove]:
    """Each move of the VIP that a plan causes, in order.

    The result is empty if the cluster does not have exactly one holder, or its keepalived does not
    answer.

    Args:
        cluster: the inventory to apply.
        desired: by node label.
        observed: by node label.
    """
    holder = holder_of(cluster, observed)
    return list(_Simulation(cluster, desired, observed, holder).run(plan.nodes)) if holder else []


def joins(cluster: Cluster, node: str, observed: Mapping[str, ObservedNode]) -> bool:
    """Whether a node does not take part in the election yet, and another one has the VIP.

    Args:
        observed: all nodes, by label.
    """
    state = observed[node]
    alone = holder_of(cluster, observed) in (None, node)
    return not (alone or could_hold(cluster, state) or drains(state))


def wins_by_joining(
    cluster: Cluster, desired: DesiredNode, observed: Mapping[str, ObservedNode]
) -> bool:
    """Whether a node that does not take part in the election yet would win it.

    Args:
        desired: of the node.
        observed: all nodes, by label.
    """
    holder = holder_of(cluster, observed)
    if holder is None or not joins(cluster, desired.node, observed):
        return False
    competitors = competitors_of(cluster, observed)
    competitors[desired.node] = competitor_then(cluster, desired)
    return elected(competitors, holder) == desired.node


class _Simulation:
    """Follows the steps of a plan: the competitors, their settings, and the holder."""

    def __init__(
        self,
        cluster: Cluster,
        desired: Mapping[str, DesiredNode],
        observed: Mapping[str, ObservedNode],
        holder: str,
    ) -> None:
        self._new = {node: competitor_then(cluster, wanted) for node, wanted in desired.items()}
        self._settings = {n: now for n, state in observed.items() if (now := competitor_now(state))}
        self._competitors = competitors_of(cluster, observed)
        self._competitors.setdefault(holder, self._settings[holder])
        self._held = {n for n, state in observed.items() if layout.RUN_DRAIN in drains(state)}
        self._drained = {
            n for n, state in observed.items() if layout.OPERATOR_DRAIN in drains(state)
        }
        self._holder = holder
        self._pinned = False
        # The first node that must hand over the VIP while no other node takes part.
        self.stranded = ""

    def run(self, turns: Sequence[NodePlan]) -> Iterator[VipMove]:
        """Each move of the VIP."""
        for turn in turns:
            for step in turn.steps:
                self._take(turn.node, step)
                yield from self._elect(turn)
            if turn.steps:
                # Stopped containers run again after the turn.
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
    """Refuse a plan with a `plan_problem`.

    Raises:
        HadeployError: with the node that would win the VIP.
    """
    problem = plan_problem(cluster, desired, observed, plan) if plan.changes else None
    if problem:
        raise problem.error("planning")


def winning_step(turn: NodePlan) -> int | None:
    """The first step after which the node of a turn may win the VIP, or None.

    A held node wins only after its release; another one as soon as keepalived loads its file.
    """
    for number, step in enumerate(turn.steps):
        if step.action == "finish-handover":
            return number
    reads = (n for n, step in enumerate(turn.steps) if reads_its_file(step))
    return next(reads, None)


def reads_its_file(step: Step) -> bool:
    """Whether keepalived loads its configuration in that step."""
    return step.role == "keepalived" and step.action in _READS_ITS_FILE
