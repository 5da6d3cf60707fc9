"""What `up` does when it is connected."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil

from rich.text import Text

from hadeploy.cli.cluster_run import Run, retry_when_locked
from hadeploy.cli.common import Options
from hadeploy.cli.outcome import Outcome
from hadeploy.cli.prune import DepartingNodes, departing_nodes
from hadeploy.cli.verification import prove, tell_proofs
from hadeploy.cli.warnings import tell_config_warnings
from hadeploy.errors import ExitCode, HadeployError
from hadeploy.inventory.model import Cluster
from hadeploy.observe.model import ObservedNode
from hadeploy.plan.model import Plan
from hadeploy.remote.session import Session
from hadeploy.rollout.prepare import Prepared
from hadeploy.ui.ask import confirm
from hadeploy.ui.render import render_plan

# New nodes, what else comes first, what changes on all nodes together, and one more for each of
# them if something else interferes.
MOST_PLANS = 6
AFTER_ROLLBACK = (
    "The nodes have the configuration before the last change. Where the inventory still asks for "
    "that change, the next `hadeploy up` makes it again."
)


def bring_up(
    options: Options, outcome: Outcome, run: Run, timeout: float, lock_wait: float, *, yes: bool
) -> list[Prepared]:
    """Plan, apply and prove.

    Args:
        options: the command's.
        outcome: given what was planned and proven.
        run: the cluster.
        timeout: seconds until all must be proven.
        lock_wait: seconds to wait for another run.
        yes: whether what goes away for clients is not asked about.

    Returns:
        What was planned, in order.

    Raises:
        click.Abort: the user does not want what goes away to go away.
    """
    made: list[Prepared] = []
    consent = _Consent(options, run, yes=yes)
    with _half_way(made):
        looks = retry_when_locked(
            lambda: _once(options, outcome, run, made, timeout, consent), run.progress, lock_wait
        )
        outcome.vip_wait_seconds = max(look.settled for look in looks.values())
        changed = any(prepared.plan.changes for prepared in made)
        # Nodes that have left are not compared.
        before = (
            {n: look for n, look in made[0].observed.items() if n in looks} if changed else None
        )
        prove(
            run, made[-1], outcome, timeout - outcome.vip_wait_seconds, looks=looks, before=before
        )
    return made


def tell(options: Options, outcome: Outcome, run: Run, made: list[Prepared]) -> None:
    """Print the proofs, set the exit code by them, and say what comes next.

    Args:
        options: the command's.
        outcome: what was proven.
        run: the cluster, connected or not.
        made: what was planned.
    """
    tell_proofs(options, outcome)
    waits = any(p.name == "backends-up" and p.verdict != "pass" for p in outcome.proofs)
    changed = any(prepared.changes for prepared in made)
    if not outcome.code and not options.as_json and (changed or waits):
        said = next_step(made[-1].cluster) if run.previous is None else AFTER_ROLLBACK
        options.out.print(said, soft_wrap=True)


@contextmanager
def _half_way(made: list[Prepared]) -> Iterator[None]:
    """A node that is lost when something was changed already is not one that was never reached."""
    try:
        yield
    except HadeployError as error:
        if error.code is ExitCode.UNREACHABLE and any(prepared.changes for prepared in made):
            error.code = ExitCode.FAILED
        raise


class _Consent:
    """What goes away for clients or others, and whether the user wants that; each is asked once.

    A wait for the lock, or a second plan, does not ask again.
    """

    def __init__(self, options: Options, run: Run, *, yes: bool) -> None:
        self._options = options
        self._run = run
        self._yes = yes
        self._confirmed: set[str] = set()
        self.changed = False

    def ask(self, plan: Plan) -> None:
        """Ask about what was not asked about yet.

        Args:
            plan: what it takes away is on the screen already.

        Raises:
            HadeployError: there is no terminal to ask on.
            click.Abort: the answer was no.
        """
        undoes = [sentence for sentence in plan.undoes if sentence not in self._confirmed]
        asked = [s for s in (*undoes, *plan.removes) if s not in self._confirmed]
        if not asked or self._yes:
            return
        what = "This undoes changes of others." if undoes else "Clients lose this."
        with self._run.progress.aside():
            confirm(
                f"{what} Go on?",
                detail="\n".join(asked),
                as_json=self._options.as_json,
                changed=self.changed,
            )
        self._confirmed.update(asked)


def _once(
    options: Options,
    outcome: Outcome,
    run: Run,
    made: list[Prepared],
    timeout: float,
    consent: _Consent,
) -> Mapping[str, ObservedNode]:
    """Plan and apply; where settings change on all nodes together, that is a second plan.

    Returns:
        The nodes as they are then.
    """
    work = _Work(options, outcome, run, made, timeout, consent, len(made) + MOST_PLANS)
    outcome.plan = None
    with departing_nodes(run) as going:
        if going.plan.changes:
            work.remove(going)
    while len(made) < work.most:
        prepared = run.prepare(check=True)
        looks = work.apply(prepared, run.sessions)
        if looks is not None and not prepared.then:
            return looks
    raise unfinished()


def unfinished() -> HadeployError:
    """The error of a run whose plans do not come to an end."""
    return HadeployError(
        "the nodes are still not what the next plan starts from",
        operation="planning again",
        hint="does something else change them at the same time? `hadeploy plan` shows what is left",
    )


@dataclass(frozen=True)
class _Work:
    """What every plan of a run is carried out with.

    Attributes:
        made: the plans until now; a wait for the lock begins anew, and keeps them.
        most: how many there may be.
    """

    options: Options
    outcome: Outcome
    run: Run
    made: list[Prepared]
    timeout: float
    consent: _Consent
    most: int

    def remove(self, going: DepartingNodes) -> None:
        """Have nodes leave, once all others serve without them.

        Raises:
            HadeployError: something stands in the way of that or of what follows it.
        """
        run, err = self.run, self.options.err
        # What stands in the way of all the rest is told before a node goes.
        prepared = run.prepare(check=True, ask=True)
        if all(look.applied for look in prepared.observed.values()):
            # Of new nodes it is known only when they run who would take the VIP over.
            going.refuse(run, prepared.observed)
        while prepared.before_removal:
            if len(self.made) >= self.most:
                raise unfinished()
            self.apply(prepared, {**run.sessions, **going.sessions})
            going.look_again(run)
            prepared = run.prepare(check=True)
        err.print(render_plan(going.plan))
        going.refuse(run, prepared.observed)
        for sentence in (*prepared.plan.undoes, *prepared.plan.removes):
            err.print(Text(sentence, "red"), soft_wrap=True)
        self.consent.ask(prepared.plan)
        if prepared.plan.changes:
            from hadeploy.rollout.try_files import try_files

            # A file that a program refuses is no reason to be without that node.
            try_files(prepared, run.sessions, run.progress)
        self.consent.changed = True
        going.take_out(run)
        self.outcome.plan = (self.outcome.plan or Plan(())).then(going.plan)

    def apply(
        self, prepared: Prepared, sessions: Mapping[str, Session]
    ) -> Mapping[str, ObservedNode] | None:
        """Show one plan and carry it out.

        Returns:
            The nodes as they are then; None if backends died meanwhile, and it is tried again.
        """
        self.outcome.plan = (self.outcome.plan or Plan(())).then(prepared.plan)
        self.made.append(prepared)
        if prepared.changes or len(self.made) == 1:
            self.options.err.print(render_plan(prepared.plan, prepared.then))
        self.consent.ask(prepared.plan)
        if not prepared.plan.changes:
            return prepared.observed
        from hadeploy.rollout.lost_backends import BackendsDiedError
        from hadeploy.rollout.node_outcome import RolloutError
        from hadeploy.rollout.up import apply

        self.consent.changed = True
        try:
            return apply(
                self.run.inputs,
                prepared,
                sessions,
                self.run.progress,
                settle=ceil(self.timeout),
                warn=functools.partial(tell_config_warnings, self.options, self.outcome),
            )
        except RolloutError as error:
            if not isinstance(error.__cause__, BackendsDiedError) or len(self.made) >= self.most:
                raise
            # They are down before the next attempt, which so expects nothing of them.
            self.options.err.print(f"warning: {error.__cause__}; trying again", style="yellow")
            return None


def next_step(cluster: Cluster) -> str:
    """What comes after us."""
    vip, listener = cluster.vip[0], cluster.listeners[0]
    host = f"[{vip.ip}]" if vip.version == 6 else str(vip.ip)
    others = ",".join(str(other.ip) for other in cluster.vip[1:])
    # kubeadm puts only the endpoint into the API server's certificate by itself.
    names = f" --apiserver-cert-extra-sans {others}" if others else ""
    return (
        f"The load balancer is up on {host}:{listener.port}. Next, on the first control plane:\n"
        f"  kubeadm init --control-plane-endpoint {host}:{listener.port} --upload-certs{names}"
    )
