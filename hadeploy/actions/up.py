"""`up`: change what differs from the inventory, and prove that clients are served."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from math import ceil

from hadeploy.actions.departing import DepartingNodes, departing_nodes
from hadeploy.actions.prove import prove
from hadeploy.actions.run import Run, retry_when_locked
from hadeploy.errors import ExitCode, HadeployError
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.steps import Plan
from hadeploy.remote.session import Session
from hadeploy.rollout.prepare import Prepared

# New nodes, what else comes first, what changes on all nodes together, and one more for each of
# them if something else interferes.
MOST_PLANS = 6


def bring_up(run: Run, timeout: float, lock_wait: float, *, consent: bool) -> None:
    """Plan, apply and prove.

    Args:
        run: the cluster, after `start_observing`.
        timeout: seconds until all must be proven.
        lock_wait: seconds to wait for another run.
        consent: skip the confirmation when clients lose something.

    Raises:
        Exception: the user declines.
    """
    result = run.result
    asking = _Consent(run, given=consent)
    with _failed_after_changes(result.prepared):
        looks = retry_when_locked(
            lambda: _plan_and_apply(run, timeout, asking), run.progress, lock_wait
        )
        result.vip_wait_seconds = max(look.settled for look in looks.values())
        changed = any(prepared.plan.changes for prepared in result.prepared)
        # Nodes that have left are not compared.
        first = result.prepared[0].observed
        before = {n: look for n, look in first.items() if n in looks} if changed else None
        prove(
            run,
            result.prepared[-1],
            timeout - result.vip_wait_seconds,
            looks=looks,
            before=before,
            certificates_too=True,
        )


@contextmanager
def _failed_after_changes(made: list[Prepared]) -> Iterator[None]:
    """A node that is lost after a change is a failure, not an unreachable node."""
    try:
        yield
    except HadeployError as error:
        if error.code is ExitCode.UNREACHABLE and any(prepared.changes for prepared in made):
            error.code = ExitCode.FAILED
        raise


class _Consent:
    """Confirms, once, each thing that clients or other users lose.

    A wait for the lock or a second plan does not ask again.
    """

    def __init__(self, run: Run, *, given: bool) -> None:
        self._run = run
        self._given = given
        self._confirmed: set[str] = set()
        self.changed = False

    def ask(self, plan: Plan) -> None:
        """Ask about losses that were not confirmed yet.

        Args:
            plan: already on the screen.

        Raises:
            HadeployError: no terminal to ask on.
            Exception: the user declines.
        """
        undoes = [sentence for sentence in plan.undoes if sentence not in self._confirmed]
        asked = [s for s in (*undoes, *plan.removes) if s not in self._confirmed]
        if not asked or self._given:
            return
        what = "This undoes changes of others." if undoes else "Clients lose this."
        with self._run.progress.aside():
            self._run.ui.confirm(f"{what} Go on?", detail="\n".join(asked), changed=self.changed)
        self._confirmed.update(asked)


def _plan_and_apply(run: Run, timeout: float, consent: _Consent) -> Mapping[str, ObservedNode]:
    """Plan and apply; a coordinated change is a second plan.

    Returns:
        The nodes after the change.
    """
    made = run.result.prepared
    work = _Applier(run, timeout, consent, len(made) + MOST_PLANS)
    run.result.plan = None
    with departing_nodes(run) as going:
        if going.plan.changes:
            work.remove(going)
    while len(made) < work.most:
        prepared = run.prepare(check=True)
        looks = work.apply(prepared, run.sessions)
        if looks is not None and not prepared.then:
            return looks
    raise no_convergence()


def no_convergence() -> HadeployError:
    """The error of a run whose plans never become empty."""
    return HadeployError(
        "the nodes are still not what the next plan starts from",
        operation="planning again",
        hint="does something else change them at the same time? `hadeploy plan` shows what is left",
    )


@dataclass(frozen=True)
class _Applier:
    """Applies the plans of one run.

    Attributes:
        most: how many plans are allowed, including those before a wait for the lock.
    """

    run: Run
    timeout: float
    consent: _Consent
    most: int

    def remove(self, going: DepartingNodes) -> None:
        """Remove departing nodes once all others serve without them.

        Raises:
            HadeployError: a blocker of this plan or of the next one.
        """
        run = self.run
        # Blockers of the next plan are reported before a node is removed.
        prepared = run.prepare(check=True, ask=True)
        if all(look.applied for look in prepared.observed.values()):
            # Which node would take the VIP over is unknown until new nodes run.
            going.refuse(run, prepared.observed)
        while prepared.before_removal:
            if len(self.run.result.prepared) >= self.most:
                raise no_convergence()
            self.apply(prepared, {**run.sessions, **going.sessions})
            going.look_again(run)
            prepared = run.prepare(check=True)
        run.ui.plan(going.plan)
        going.refuse(run, prepared.observed)
        run.ui.losses((*prepared.plan.undoes, *prepared.plan.removes))
        self.consent.ask(prepared.plan)
        if prepared.plan.changes:
            from hadeploy.rollout.try_files import try_files

            # Do not remove the node if a program rejects the new configuration.
            try_files(prepared, run.sessions, run.progress)
        self.consent.changed = True
        going.take_out(run)
        run.result.add_plan(going.plan)

    def apply(
        self, prepared: Prepared, sessions: Mapping[str, Session]
    ) -> Mapping[str, ObservedNode] | None:
        """Show and apply one plan.

        Returns:
            The nodes after the change; None to try again, because backends died meanwhile.
        """
        run, made = self.run, self.run.result.prepared
        run.result.add_plan(prepared.plan)
        made.append(prepared)
        if prepared.changes or len(made) == 1:
            run.ui.plan(prepared.plan, prepared.then)
        self.consent.ask(prepared.plan)
        if not prepared.plan.changes:
            return prepared.observed
        from hadeploy.rollout.lost_backends import BackendsDiedError
        from hadeploy.rollout.node_outcome import RolloutError
        from hadeploy.rollout.up import apply

        self.consent.changed = True
        try:
            return apply(
                run.inputs,
                prepared,
                sessions,
                run.progress,
                settle=ceil(self.timeout),
                warn=partial(run.result.add_config_warnings, tell=run.ui.config_warnings),
            )
        except RolloutError as error:
            if not isinstance(error.__cause__, BackendsDiedError) or len(made) >= self.most:
                raise
            # They count as down before the next attempt.
            run.ui.warning(f"{error.__cause__}; trying again")
            return None
