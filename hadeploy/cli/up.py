"""`hadeploy up`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from hadeploy.cli.choosing import ROLLBACK, choosing
from hadeploy.cli.cluster_run import LOCK_WAIT, Run, connected_run, unlocked
from hadeploy.cli.common import Options, cluster_command, reported
from hadeploy.cli.outcome import Outcome
from hadeploy.cli.prune import leaving
from hadeploy.cli.several import several
from hadeploy.cli.verify import TIMEOUT, prove, tell_proofs
from hadeploy.errors import ExitCode, HadeployError
from hadeploy.inventory.model import Cluster
from hadeploy.run.prepare import Choices, Prepared
from hadeploy.run.up import apply
from hadeploy.ui.render import plan_picture

# What comes first, what changes on all nodes together, and one more if somebody else interferes.
MOST_PLANS = 3


@click.command()
@TIMEOUT
@LOCK_WAIT
@ROLLBACK
@choosing
@several
@cluster_command
def up(options: Options, choices: Choices, timeout: float, lock_wait: float, rollback: bool) -> int:
    """Bring the cluster up, or to a changed inventory, and prove that it serves.

    Run it as often as you like: what is already right is not touched.
    """
    with reported(options, "up") as outcome:
        with connected_run(options, outcome, choices) as run:
            made: list[Prepared] = []
            if rollback:
                run.look_back()
            with _half_way(made):
                unlocked(lambda: _once(options, outcome, run, made), run.progress, lock_wait)
                prove(run, made[-1], outcome, timeout, looked=not made[-1].changes)
        tell_proofs(options, outcome)
        waits = any(p.name == "backends-up" and p.verdict != "pass" for p in outcome.proofs)
        changed = any(prepared.changes for prepared in made)
        if not outcome.code and not options.as_json and (changed or waits):
            options.out.print(next_step(made[-1].cluster), soft_wrap=True)
    return outcome.code


@contextmanager
def _half_way(made: list[Prepared]) -> Iterator[None]:
    """A node that is lost when something was changed already is not one that was never reached."""
    try:
        yield
    except HadeployError as error:
        if error.code is ExitCode.UNREACHABLE and any(prepared.changes for prepared in made):
            error.code = ExitCode.FAILED
        raise


def _once(options: Options, outcome: Outcome, run: Run, made: list[Prepared]) -> None:
    """Plan and apply; where settings change on all nodes together, that is a second plan."""
    with leaving(run) as going:
        if going.plan.changes:
            options.err.print(plan_picture(going.plan))
            # What stands in the way of all the rest is told before a node goes.
            run.prepare(check=True)
            going.take_out(run)
    outcome.plan = going.plan
    for _ in range(MOST_PLANS):
        prepared = run.prepare(check=True)
        outcome.plan = outcome.plan.then(prepared.plan)
        made.append(prepared)
        if prepared.changes or len(made) == 1:
            options.err.print(plan_picture(prepared.plan, prepared.then))
        if prepared.plan.changes:
            apply(run.inputs, prepared, run.sessions, run.progress)
        if not prepared.then:
            return
    raise HadeployError(
        "the nodes are still not what the next plan starts from",
        doing="planning again",
        hint="does somebody change them at the same time? `hadeploy plan` shows what is left",
    )


def next_step(cluster: Cluster) -> str:
    """What comes after us."""
    vip, listener = cluster.vip[0], cluster.listeners[0]
    host = f"[{vip.ip}]" if vip.version == 6 else str(vip.ip)
    return (
        f"The load balancer is up on {host}:{listener.port}. Next, on the first control plane:\n"
        f"  kubeadm init --control-plane-endpoint {host}:{listener.port} --upload-certs"
    )
