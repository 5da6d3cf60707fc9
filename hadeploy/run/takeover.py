"""While a plan is carried out: may the node win the VIP that is going to?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hadeploy.inventory.model import Cluster
from hadeploy.observe.gather import observe
from hadeploy.plan.backends import ExpectedBackend, backends_of_holder, check_seconds
from hadeploy.plan.election import holder_of, unfit_winner
from hadeploy.plan.model import Impact, NodePlan
from hadeploy.plan.vip_moves import vip_moves, winning_step
from hadeploy.run.prepare import Prepared
from hadeploy.transport.session import Session


class Takeovers:
    """The moves of the VIP that a plan causes.

    Args:
        prepared: the plan.
        sessions: to all nodes.
    """

    def __init__(self, prepared: Prepared, sessions: Mapping[str, Session]) -> None:
        self._cluster, self._observed = prepared.cluster, prepared.observed
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
        winners = {m.winner for m in self._moves if m.turn is turn} - {turn.node}
        if not winners or self._holder is None:
            return
        observed = observe(self._cluster, self._sessions)
        for winner in sorted(winners):
            if problem := unfit_winner(self._cluster, observed, winner, self._holder):
                raise problem.error("applying", turn.node)


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
