"""Applies a plan node by node, or on all nodes at the same time."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from hadeploy.errors import HadeployError
from hadeploy.plan.steps import Impact, NodePlan
from hadeploy.remote.fanout import try_each
from hadeploy.remote.session import Session
from hadeploy.rollout.apply_node import apply_node
from hadeploy.rollout.change import Change
from hadeploy.rollout.client_view import ClientView, PortAnswers
from hadeploy.rollout.failback import fail_back
from hadeploy.rollout.interrupt import Interrupt
from hadeploy.rollout.lost_backends import BackendsLostError, ClientRefusedError, ServiceLostError
from hadeploy.rollout.lost_backends_cause import name_cause
from hadeploy.rollout.node_outcome import (
    NodeFailedError,
    NodeOutcome,
    NotTakenOverError,
    RolloutError,
)
from hadeploy.rollout.reply_errors import RefusedError, as_one, refuse
from hadeploy.rollout.rollout_state import RolloutState
from hadeploy.rollout.scripts import Part, apply_script, finishing_step
from hadeploy.rollout.takeover_candidates import find_successor
from hadeploy.rollout.undo import keep_off_changed, restore, restore_all, return_vip

KEEPING = "renewing the lock"


class Rollout:
    """Performs the turns of a plan.

    Attributes:
        state: of the rollout.
    """

    def __init__(self, state: RolloutState) -> None:
        self.state = state
        prepared = state.prepared
        self._clients = ClientView(prepared.cluster, prepared.observed, asks=prepared.serves_here)

    def run(self, todo: list[NodePlan], interrupt: Interrupt) -> None:
        """Perform all turns.

        Raises:
            RolloutError: a turn failed; the nodes that must be restored are restored.
        """
        if self.state.prepared.plan.parallel:
            self._apply_all(todo, interrupt)
        else:
            self._apply_each(todo, interrupt)
        self._stop_if_asked(interrupt)

    def _stop_if_asked(self, interrupt: Interrupt) -> None:
        try:
            interrupt.check()
        except HadeployError as error:
            raise RolloutError(error, self.state.outcome) from error

    def _apply_each(self, todo: list[NodePlan], interrupt: Interrupt) -> None:
        """Perform one turn after the other."""
        failed: HadeployError | None = None
        for number, turn in enumerate(todo):
            # A coordinated change is finished or restored on all nodes, even after Ctrl-C.
            letting_go = bool(self.state.prepared.plan.coordinated) and not turn.coordinated
            try:
                if not letting_go:
                    interrupt.check()
                if turn.coordinated and turn.holder:
                    self._keep_locks()
                self._apply_node(turn)
            except HadeployError as error:
                if letting_go:
                    # Continue: the hold of the other nodes must end, too.
                    failed = failed or error
                    continue
                if turn.coordinated:
                    restore_all(self.state, turn, [t.node for t in todo[:number]])
                raise RolloutError(error, self.state.outcome) from error
            last = turn.node not in {later.node for later in todo[number + 1 :]}
            self.state.outcome[turn.node] = NodeOutcome.NEW if last else NodeOutcome.HELD
        if failed:
            raise RolloutError(failed, self.state.outcome) from failed

    def _keep_locks(self) -> None:
        """Renew the lock on all nodes before the holder changes its settings.

        A held node may return to the former settings once its lock has expired
        (tasks/apply/guard.sh).

        Raises:
            HadeployError: a node is unreachable, or this run no longer holds its lock.
        """
        script = self.state.lock.script("lock_keep")

        def keep(session: Session) -> None:
            refuse(session.run(script, operation=KEEPING), session.node, KEEPING)

        _, errors = try_each(keep, self.state.sessions.values())
        if errors:
            raise as_one(errors)

    def _apply_all(self, todo: list[NodePlan], interrupt: Interrupt) -> None:
        """Perform all turns in parallel, if no node serves yet."""

        def take(turn: NodePlan) -> None:
            self._apply_node(turn)
            self.state.outcome[turn.node] = NodeOutcome.NEW

        self._stop_if_asked(interrupt)
        _, errors = try_each(take, todo)
        if errors:
            error = as_one(errors)
            raise RolloutError(error, self.state.outcome) from error

    def _apply_node(self, turn: NodePlan) -> None:
        node, cluster = turn.node, self.state.prepared.cluster
        if any(step.impact is Impact.HANDOVER for step in turn.steps):
            asks = self.state.prepared.serves_here
            find_successor(
                cluster, self.state.prepared.desired, node, self.state.sessions, asks=asks
            )
        else:
            self.state.takeovers.refuse_unfit_winner(turn)
        try:
            self._apply_steps(turn)
        except HadeployError as error:
            if isinstance(error, NodeFailedError):
                self.state.outcome[node] = error.outcome
                if isinstance(error, BackendsLostError):
                    # A VIP gives the wrong answer on every changed node; the nodes that changed
                    # before were not tested with the VIP.
                    vips = [str(vip.ip) for vip in cluster.vip]
                    if error.outcome is NodeOutcome.RESTORED and (
                        isinstance(error, ServiceLostError) or (turn.holder and error.on(vips))
                    ):
                        keep_off_changed(self.state)
                    name_cause(self.state, error)
                if isinstance(error, NotTakenOverError):
                    return_vip(self.state, error, node)
            elif not isinstance(error, RefusedError):
                self.state.outcome[node] = NodeOutcome.UNKNOWN
            raise
        moved = any(step.action == "handover" for step in turn.steps)
        if (moved and not turn.drained) or self.state.takeovers.wins(turn):
            self._fail_back(node)

    def _fail_back(self, node: str) -> None:
        """Hand the VIP to a node that preempts, before it takes it without a handover."""
        cluster = self.state.prepared.cluster
        if not cluster.vrrp.preempt:
            return
        # If this fails, the node preempts.
        with suppress(HadeployError):
            fail_back(cluster, node, self.state.lock, self.state.sessions, self.state.progress)

    def _apply_steps(self, turn: NodePlan) -> None:
        """Perform the steps of a turn; the final steps only after clients were asked, if possible.

        Raises:
            HadeployError: a step failed, or clients do not get the same answers as before.
        """
        node, change = turn.node, self.state.change(turn.node, turn)
        before = self._clients.before(turn, change.backends)
        if not before and not self.state.takeovers.winners(turn):
            self._run_part(turn, change, Part.WHOLE)
        else:
            self._run_part(turn, change, Part.CHANGE)
            self._ask_clients(turn, change, before)
            self._ask_winner(turn, change)
            if finishing_step(change, turn) is not None:
                self._run_part(turn, change, Part.FINISH)
        self.state.progress.node(node, f"{len(turn.steps)} changes applied and proven", "ok")

    def _ask_clients(self, turn: NodePlan, change: Change, before: Sequence[PortAnswers]) -> None:
        if not before:
            return
        node, operation = turn.node, "asking it as clients on this machine do"
        self.state.progress.node(node, operation)
        unchanged = [
            n for n, s in self.state.outcome.items() if s is NodeOutcome.UNTOUCHED and n != node
        ]
        if lost := self._clients.lost(node, before, unchanged):
            self.state.progress.node(node, operation, "failed")
            raise ClientRefusedError(lost, restore(self.state, turn, change), node=node)

    def _ask_winner(self, turn: NodePlan, change: Change) -> None:
        winners = self.state.takeovers.winners(turn)
        if not winners:
            return
        node, operation = turn.node, f"waiting for {' or '.join(winners)} to have the VIP"
        self.state.progress.node(node, operation)
        self._fail_back(self.state.takeovers.final_winner(turn))
        if problem := self.state.takeovers.problem_of_winner(turn, change.election):
            self.state.progress.node(node, operation, "failed")
            raise NodeFailedError(
                problem.message,
                restore(self.state, turn, change),
                node=node,
                detail="\n".join(problem.detail) or None,
                hint=problem.hint,
            )

    def _run_part(self, turn: NodePlan, change: Change, part: Part) -> None:
        node = turn.node
        otherwise = self.state.otherwise(turn)
        script = apply_script(
            change, turn, self.state.fingerprints[node], otherwise=otherwise, part=part
        )
        begun = part is Part.FINISH
        done = apply_node(script, turn, self.state.sessions[node], self.state.progress, begun=begun)
        self.state.fingerprints[node] = done.fingerprint
        self.state.waits.append(done.awaited)
