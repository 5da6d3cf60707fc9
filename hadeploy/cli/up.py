"""`hadeploy up`."""

from __future__ import annotations

import click

from hadeploy.cli.common import (
    FORGET,
    LOCK_WAIT,
    Options,
    cluster_command,
    prepared_run,
    reported,
    unlocked,
)
from hadeploy.cli.verify import TIMEOUT, prove, tell_proofs
from hadeploy.inventory.model import Cluster
from hadeploy.run.prepare import prepare
from hadeploy.run.up import apply
from hadeploy.ui.render import plan_picture


@click.command()
@TIMEOUT
@LOCK_WAIT
@FORGET
@cluster_command
def up(options: Options, timeout: float, lock_wait: float, forget: tuple[str, ...]) -> int:
    """Bring the cluster up, or to a changed inventory, and prove that it serves.

    Run it as often as you like: what is already right is not touched.
    """
    with reported(options, "up") as outcome:
        with prepared_run(options, outcome, forget=forget) as run:
            tries = 0

            def work() -> None:
                nonlocal tries
                tries += 1
                if tries > 1:
                    run.prepared = prepare(
                        run.inputs, run.sessions, run.progress, check=True, forget=forget
                    )
                outcome.plan = run.prepared.plan
                if outcome.plan.changes or tries == 1:
                    options.err.print(plan_picture(outcome.plan))
                if outcome.plan.changes:
                    apply(run.inputs, run.prepared, run.sessions, run.progress)

            unlocked(work, run.progress, lock_wait)
            prove(run, outcome, timeout, looked=not run.prepared.plan.changes)
        tell_proofs(options, outcome)
        waits = any(p.name == "backends-up" and p.verdict != "pass" for p in outcome.proofs)
        if not outcome.code and not options.as_json and (run.prepared.plan.changes or waits):
            options.out.print(next_step(run.inputs.cluster), soft_wrap=True)
    return outcome.code


def next_step(cluster: Cluster) -> str:
    """What comes after us."""
    vip, listener = cluster.vip[0], cluster.listeners[0]
    host = f"[{vip.ip}]" if vip.version == 6 else str(vip.ip)
    return (
        f"The load balancer is up on {host}:{listener.port}. Next, on the first control plane:\n"
        f"  kubeadm init --control-plane-endpoint {host}:{listener.port} --upload-certs"
    )
