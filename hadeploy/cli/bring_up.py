"""What `up` does when it is connected."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import ceil

from rich.text import Text

from hadeploy.cli.cluster_run import Run, unlocked
from hadeploy.cli.common import Options
from hadeploy.cli.outcome import Outcome
from hadeploy.cli.proving import prove, tell_proofs
from hadeploy.cli.prune import leaving
from hadeploy.cli.warnings import tell_config_warnings
from hadeploy.errors import ExitCode, HadeployError
from hadeploy.inventory.model import Cluster
from hadeploy.observe.model import ObservedNode
from hadeploy.plan.model import Plan
from hadeploy.run.prepare import Prepared
from hadeploy.ui.ask import confirm
from hadeploy.ui.render import plan_picture

# What comes first, what changes on all nodes together, and one more if somebody else interferes.
MOST_PLANS = 3
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
        looks = unlocked(
            lambda: _once(options, outcome, run, made, timeout, consent), run.progress, lock_wait
        )
        outcome.waited = max(look.settled for look in looks.values())
        changed = any(prepared.plan.changes for prepared in made)
        before = made[0].observed if changed else None
        prove(run, made[-1], outcome, timeout - outcome.waited, looks=looks, before=before)
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
    with leaving(run) as going:
        if going.plan.changes:
            options.err.print(plan_picture(going.plan))
            # What stands in the way of all the rest is told before a node goes.
            prepared = run.prepare(check=True, ask=True)
            going.refuse(run, prepared.observed)
            for sentence in (*prepared.plan.undoes, *prepared.plan.removes):
                options.err.print(Text(sentence, "red"), soft_wrap=True)
            consent.ask(prepared.plan)
            consent.changed = True
            going.take_out(run)
    outcome.plan = going.plan
    for _ in range(MOST_PLANS):
        prepared = run.prepare(check=True)
        outcome.plan = outcome.plan.then(prepared.plan)
        made.append(prepared)
        if prepared.changes or len(made) == 1:
            options.err.print(plan_picture(prepared.plan, prepared.then))
        consent.ask(prepared.plan)
        looks: Mapping[str, ObservedNode] = prepared.observed
        if prepared.plan.changes:
            from hadeploy.run.lost_backends import BackendsDiedError
            from hadeploy.run.standing import RollError
            from hadeploy.run.up import apply

            consent.changed = True
            try:
                looks = apply(
                    run.inputs,
                    prepared,
                    run.sessions,
                    run.progress,
                    settle=ceil(timeout),
                    warn=functools.partial(tell_config_warnings, options, outcome),
                )
            except RollError as error:
                if not isinstance(error.__cause__, BackendsDiedError):
                    raise
                if len(made) == MOST_PLANS:
                    raise
                # They are down before the next attempt, which so expects nothing of them.
                options.err.print(f"warning: {error.__cause__}; trying again", style="yellow")
                continue
        if not prepared.then:
            return looks
    raise HadeployError(
        "the nodes are still not what the next plan starts from",
        doing="planning again",
        hint="does something else change them at the same time? `hadeploy plan` shows what is left",
    )


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
