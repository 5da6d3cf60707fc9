"""`up`: apply the inventory, and prove that clients are served."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from math import ceil

from hadeploy.actions.departing import DepartingNodes, departing_nodes
from hadeploy.actions.prove import prove
from hadeploy.actions.retry import retry_when_locked
from hadeploy.actions.run import Run
from hadeploy.errors import ExitCode, HadeployError
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.steps import Plan
from hadeploy.remote.session import Session
from hadeploy.rollout.prepare import Prepared

# One plan for new nodes, one for other steps that come first, one for a coordinated change, and a
# second attempt of each if something interferes.
MAX_PLANS = 6


def bring_up(run: Run, timeout: float, lock_wait: float, *, consent: bool) -> None:
    """Plan, apply and prove.

    Args:
        run: the cluster, after `start_observing`.
        timeout: seconds until all proofs must hold.
        lock_wait: seconds to wait for another run.
        consent: skip the confirmation of losses for clients.

    Raises:
        Exception: the user declines.
    """
    result = run.result
    asking = _Consent(run, given=consent)
    with _failed_after_changes(result.prepared):
        latest = retry_when_locked(
            lambda: _plan_and_apply(run, timeout, asking), run.progress, lock_wait
        )
        result.vip_wait_seconds = max(node.settled for node in latest.values())
        changed = any(prepared.plan.changes for prepared in result.prepared)
        first = result.prepared[0].observed
        # A removed node has no state after the change.
        before = {n: node for n, node in first.items() if n in latest} if changed else None
        prove(
            run,
            result.prepared[-1],
            timeout - result.vip_wait_seconds,
            latest=latest,
            before=before,
            certificates_too=True,
        )


@contextmanager
def _failed_after_changes(made: list[Prepared]) -> Iterator[None]:
    """Exit with FAILED, not UNREACHABLE, if the connection to a node is lost after a change."""
    try:
        yield
    except HadeployError as error:
        if error.code is ExitCode.UNREACHABLE and any(prepared.changes for prepared in made):
            error.code = ExitCode.FAILED
        raise


class _Consent:
    """Asks once about each loss for clients or other users.

    A second plan, or a retry after a wait for the lock, does not ask again.
    """

    def __init__(self, run: Run, *, given: bool) -> None:
        self._run = run
        self._given = given
        self._confirmed: set[str] = set()
        self.changed = False

    def ask(self, plan: Plan) -> None:
        """Ask about the losses that are not confirmed yet.

        Args:
            plan: is already on the screen.

        Raises:
            HadeployError: no terminal to ask on.
            Exception: the user declines.
        """
        undoes = [sentence for sentence in plan.undoes if sentence not in self._confirmed]
        asked = [s for s in (*undoes, *plan.removes) if s not in self._confirmed]
        if not asked or self._given:
            return
        loss = "This undoes changes of others." if undoes else "Clients lose this."
        question = f"{loss} Continue?"
        with self._run.progress.aside():
            self._run.ui.confirm(question, detail="\n".join(asked), changed=self.changed)
        self._confirmed.update(asked)


def _plan_and_apply(run: Run, timeout: float, consent: _Consent) -> Mapping[str, ObservedNode]:
    """Plan and apply, until no plan is left: a coordinated change is a second plan.

    Returns:
        The nodes after the change.
    """
    made = run.result.prepared
    work = _Applier(run, timeout, consent, len(made) + MAX_PLANS)
    run.result.plan = None
    with departing_nodes(run) as departing:
        if departing.plan.changes:
            work.remove(departing)
    while len(made) < work.max_plans:
        prepared = run.prepare(check=True)
        latest = work.apply(prepared, run.sessions)
        if latest is not None and not prepared.then:
            return latest
    raise no_convergence()


def no_convergence() -> HadeployError:
    """The error of a run whose plans never become empty."""
    return HadeployError(
        f"the nodes still differ from the inventory after {MAX_PLANS} plans",
        operation="planning again",
        hint="check whether another program changes the nodes; "
        "`hadeploy plan` shows the remaining differences",
    )


@dataclass(frozen=True)
class _Applier:
    """Applies the plans of one run.

    Attributes:
        max_plans: maximum number of plans, including those before a wait for the lock.
    """

    run: Run
    timeout: float
    consent: _Consent
    max_plans: int

    def remove(self, departing: DepartingNodes) -> None:
        """Remove departing nodes once all others serve without them.

        Raises:
            HadeployError: a reason against this plan or against the next one.
        """
        run = self.run
        # Report errors of the next plan before a node is removed.
        prepared = run.prepare(check=True, ask=True)
        if all(node.applied for node in prepared.observed.values()):
            # Until new nodes run, it is unknown which node would take over the VIP.
            departing.check_takeover(run, prepared.observed)
        while prepared.before_removal:
            if len(self.run.result.prepared) >= self.max_plans:
                raise no_convergence()
            self.apply(prepared, {**run.sessions, **departing.sessions})
            departing.refresh(run)
            prepared = run.prepare(check=True)
        run.ui.plan(departing.plan)
        departing.check_takeover(run, prepared.observed)
        run.ui.losses((*prepared.plan.undoes, *prepared.plan.removes))
        self.consent.ask(prepared.plan)
        if prepared.plan.changes:
            from hadeploy.rollout.try_files import try_files

            # Do not remove the node if a program rejects the new configuration.
            try_files(prepared, run.sessions, run.progress)
        self.consent.changed = True
        departing.remove(run)
        run.result.add_plan(departing.plan)

    def apply(
        self, prepared: Prepared, sessions: Mapping[str, Session]
    ) -> Mapping[str, ObservedNode] | None:
        """Show and apply one plan.

        Returns:
            The nodes after the change; None to plan again, because backends failed meanwhile.
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
                warn=partial(run.result.add_config_warnings, report=run.ui.config_warnings),
            )
        except RolloutError as error:
            if not isinstance(error.__cause__, BackendsDiedError) or len(made) >= self.max_plans:
                raise
            # The next plan counts these backends as down.
            run.ui.warning(f"{error.__cause__}; trying again")
            return None
