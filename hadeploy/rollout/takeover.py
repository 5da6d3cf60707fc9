"""While a plan is carried out: may the node win the VIP that is going to?"""

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

# A server may be busy, and a look takes a moment.
MOST_TRIES = 3


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
        """What every winner has to reach: what the holder reached when the plan was made."""
        if self._holder is None:
            return ()
        return backends_of_holder(self._cluster, self._observed[self._holder])

    def wins(self, turn: NodePlan) -> bool:
        """Whether a turn lets its own node win the VIP; the node then checks its backends first."""
        return any(move.turn is turn and move.winner == turn.node for move in self._moves)

    def refuse_unfit_winner(self, turn: NodePlan) -> None:
        """Look once more at another node that a turn lets win the VIP.

        Raises:
            HadeployError: since the plan was made it has lost its way to the backends.
        """
        winners = self.winners(turn)
        if not winners or self._holder is None:
            return
        observed = observe(self._cluster, self._sessions)
        for winner in winners:
            if problem := unfit_winner(self._cluster, observed, winner, self._holder):
                raise problem.error("applying", turn.node)

    def winners(self, turn: NodePlan) -> list[str]:
        """The other nodes that a turn lets win the VIP, without a handover."""
        if any(step.impact is Impact.HANDOVER for step in turn.steps):
            return []
        return sorted({m.winner for m in self._moves if m.turn is turn} - {turn.node})

    def final_winner(self, turn: NodePlan) -> str:
        """The node that has the VIP after all moves that a turn causes; there is at least one."""
        # Each move follows the one before it.
        return [move.winner for move in self._moves if move.turn is turn][-1]

    def problem_of_winner(self, turn: NodePlan, seconds: float) -> TakeoverProblem | None:
        """Look at the node that a turn let win the VIP, once it has it.

        Args:
            turn: its steps were done, and can still be put back.
            seconds: within which it has the VIP. One that does not is no problem: another node may
                have failed.

        Returns:
            Why it must not keep the VIP; None if it may.
        """
        winners = self.winners(turn)
        if not winners or self._holder is None:
            return None
        winner = self.final_winner(turn)
        deadline = time.monotonic() + seconds + self._cluster.vrrp.preempt_delay
        problem, tries = None, 0
        while time.monotonic() < deadline and tries < MOST_TRIES:
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
    """Whether clients are answered otherwise through the VIPs since a node won them. Pure.

    Args:
        before: the nodes when the plan was made, by label.
        now: the same nodes.
        winner: the node that has the VIPs now.
    """
    told: dict[str, None] = {}
    for node, look in now.items():
        for (vip, port), answer in look.through.items():
            earlier = before[node].through.get((vip, port)) if node in before else None
            if earlier is None or not earlier.reached or earlier.closed:
                continue
            if not as_before(answer, [earlier]):
                told[f"port {port} of {vip} {earlier.past} before, and {answer.now} now"] = None
    if not told:
        return None
    return TakeoverProblem(
        f"{winner} has won the VIP, and clients are not answered as before",
        f"`hadeploy drain {winner}` keeps the VIP off it; or make it reach the backends (firewall? "
        "routes?), and run `hadeploy up` again",
        tuple(told),
    )


def takeover_proofs(
    cluster: Cluster,
    backends: Sequence[ExpectedBackend],
    vips: Sequence[str],
    turn: NodePlan,
) -> dict[int, list[str]]:
    """The shell commands that keep the VIP off a node that does not reach the backends. Pure.

    The first runs before the node can win the VIP. The second runs once it has the VIP, and before
    the change is recorded: haproxy may notice only then that a backend is out of reach.

    Args:
        cluster: the inventory.
        backends: what the node has to reach; nothing if it does not win the VIP.
        vips: the addresses that it wins.
        turn: the steps.

    Returns:
        By the number of the step that each of them comes before.
    """
    winning = winning_step(turn) if backends else None
    if winning is None:
        return {}
    names = [backend.after for backend in backends]
    seconds = str(check_seconds(cluster))
    proofs = {winning: ["prove_takeover", seconds, *names]}
    # To a former holder the VIP is handed back after its turn.
    if not any(step.impact is Impact.HANDOVER for step in turn.steps):
        recorded = (n for n, step in enumerate(turn.steps) if step.action == "write-record")
        confirm = ["confirm_takeover", seconds, " ".join(vips), *names]
        proofs |= dict.fromkeys(recorded, confirm)
    return proofs
