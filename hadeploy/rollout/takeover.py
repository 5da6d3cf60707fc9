"""During a rollout: checks the nodes that are about to take the VIP."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from hadeploy.answers.answer import as_before
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.gather import LOOK_INTERVAL_SECONDS, observe
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.backends import ExpectedBackend, backends_of_holder, check_seconds
from hadeploy.plan.election import TakeoverProblem, holder_of, unfit_winner
from hadeploy.plan.steps import Impact, NodePlan
from hadeploy.plan.vip_moves import vip_moves, winning_step
from hadeploy.remote.session import Session
from hadeploy.rollout.prepare import Prepared

# A server may be busy.
MAX_TRIES = 3


class Takeovers:
    """The moves of the VIP that a plan causes.

    Args:
        prepared: the plan.
        sessions: to all nodes.
    """

    def __init__(self, prepared: Prepared, sessions: Mapping[str, Session]) -> None:
        self._cluster, self._observed = prepared.cluster, prepared.observed
        self._compare = prepared.compare_answers
        self._sessions = sessions
        self._holder = holder_of(prepared.cluster, prepared.observed)
        self._moves = vip_moves(
            prepared.cluster, prepared.desired, prepared.observed, prepared.plan
        )

    @property
    def backends(self) -> tuple[ExpectedBackend, ...]:
        """The backends that every winner must reach: those of the holder in the plan."""
        if self._holder is None:
            return ()
        return backends_of_holder(self._cluster, self._observed[self._holder])

    def wins(self, turn: NodePlan) -> bool:
        """Whether its own node takes the VIP in a turn; the node then checks its backends first."""
        return any(move.turn is turn and move.winner == turn.node for move in self._moves)

    def refuse_unfit_winner(self, turn: NodePlan) -> None:
        """Observe again the other nodes that a turn lets take the VIP.

        Raises:
            HadeployError: one of them no longer reaches the backends.
        """
        winners = self.winners(turn)
        if not winners or self._holder is None:
            return
        observed = observe(self._cluster, self._sessions)
        for winner in winners:
            if problem := unfit_winner(self._cluster, observed, winner, self._holder):
                raise problem.error("applying", turn.node)

    def winners(self, turn: NodePlan) -> list[str]:
        """The other nodes that a turn lets take the VIP, without a handover."""
        if any(step.impact is Impact.HANDOVER for step in turn.steps):
            return []
        return sorted({m.winner for m in self._moves if m.turn is turn} - {turn.node})

    def final_winner(self, turn: NodePlan) -> str:
        """The node that has the VIP after all moves that a turn causes; there is at least one."""
        # Each move follows the one before it.
        return [move.winner for move in self._moves if move.turn is turn][-1]

    def problem_of_winner(self, turn: NodePlan, seconds: float) -> TakeoverProblem | None:
        """Check the node that took the VIP in a turn.

        Args:
            turn: its steps are done, and can still be restored.
            seconds: the time limit for the VIP to move. It is no problem if the VIP does not move:
                another node may have failed.

        Returns:
            Why the node must not keep the VIP; None if it may.
        """
        winners = self.winners(turn)
        if not winners or self._holder is None:
            return None
        winner = self.final_winner(turn)
        deadline = time.monotonic() + seconds + self._cluster.vrrp.preempt_delay
        problem, tries = None, 0
        while time.monotonic() < deadline and tries < MAX_TRIES:
            observed = observe(self._cluster, self._sessions)
            if all(observed[winner].holds(str(vip.ip)) for vip in self._cluster.vip):
                problem = unfit_winner(self._cluster, observed, winner, self._holder)
                if problem is None and self._compare:
                    problem = changed_answers(self._observed, observed, winner)
                if problem is None:
                    return None
                tries += 1
            time.sleep(LOOK_INTERVAL_SECONDS)
        return problem


def changed_answers(
    before: Mapping[str, ObservedNode], now: Mapping[str, ObservedNode], winner: str
) -> TakeoverProblem | None:
    """The changed answers on the VIPs since a node took them. Pure.

    Args:
        before: the nodes in the plan, by label.
        now: the same nodes now.
        winner: the node that has the VIPs now.
    """
    changed: dict[str, None] = {}
    for node, state in now.items():
        for (vip, port), answer in state.vip_answers.items():
            earlier = before[node].vip_answers.get((vip, port)) if node in before else None
            if earlier is None or not earlier.reached or earlier.closed:
                continue
            if not as_before(answer, [earlier]):
                changed[f"port {port} of {vip} {earlier.past} before, and {answer.now} now"] = None
    if not changed:
        return None
    return TakeoverProblem(
        f"{winner} has taken the VIP, and clients do not get the same answers as before",
        f"`hadeploy drain {winner}` keeps the VIP off it; or make it reach the backends (firewall? "
        "routes?), and run `hadeploy up` again",
        tuple(changed),
    )


def takeover_proofs(
    cluster: Cluster,
    backends: Sequence[ExpectedBackend],
    vips: Sequence[str],
    turn: NodePlan,
) -> dict[int, list[str]]:
    """The shell commands that keep the VIP off a node that does not reach the backends. Pure.

    The first one runs before the node can take the VIP. The second one runs once the node has the
    VIP, and before the change is recorded: only then haproxy may detect an unreachable backend.

    Args:
        cluster: the inventory.
        backends: the backends that the node must reach; empty if it does not take the VIP.
        vips: the VIPs.
        turn: the steps.

    Returns:
        The commands by the number of the step that follows each.
    """
    winning = winning_step(turn) if backends else None
    if winning is None:
        return {}
    names = [backend.after for backend in backends]
    seconds = str(check_seconds(cluster))
    proofs = {winning: ["prove_takeover", seconds, *names]}
    # After a handover, the VIP returns only after the turn.
    if not any(step.impact is Impact.HANDOVER for step in turn.steps):
        recorded = (n for n, step in enumerate(turn.steps) if step.action == "write-record")
        confirm = ["confirm_takeover", seconds, " ".join(vips), *names]
        proofs |= dict.fromkeys(recorded, confirm)
    return proofs
