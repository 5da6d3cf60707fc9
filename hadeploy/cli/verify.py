"""`hadeploy verify`."""

from __future__ import annotations

import dataclasses

import click

from hadeploy.cli.cluster_run import Run, connected_run
from hadeploy.cli.common import Options, cluster_command, reported
from hadeploy.cli.outcome import Outcome
from hadeploy.cli.several import several
from hadeploy.diagnose.evaluate import diagnose
from hadeploy.diagnose.model import Scene
from hadeploy.errors import ExitCode
from hadeploy.observe.gather import observe
from hadeploy.run.evidence import look_again
from hadeploy.run.prepare import Prepared
from hadeploy.ui.diagnosis import diagnosis_picture
from hadeploy.ui.render import proofs_picture
from hadeploy.verify.model import Proof, failed
from hadeploy.verify.proofs import unreachable_proofs
from hadeploy.verify.unchanged import expected
from hadeploy.verify.wait import wait_for_proofs

TIMEOUT = click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for the proofs.",
)


@click.command()
@TIMEOUT
@several
@cluster_command
def verify(options: Options, timeout: float) -> int:
    """Prove that the cluster serves: the VIP on one node, the port on all, traffic through it.

    A node that cannot be reached is a failed proof; the others are proven all the same.
    """
    with reported(options, "verify") as outcome:
        with connected_run(options, outcome, tolerant=True) as run:
            prove(run, run.prepare(check=False), outcome, timeout, looked=True)
        tell_proofs(options, outcome)
    return outcome.code


def prove(run: Run, prepared: Prepared, outcome: Outcome, timeout: float, *, looked: bool) -> None:
    """Wait for the proofs; if they fail, find out why.

    Args:
        run: the cluster.
        prepared: what should be.
        outcome: given the proofs and the diagnosis.
        timeout: seconds.
        looked: whether what was observed for the plan still holds.
    """
    cluster = prepared.cluster
    looks = [prepared.observed] if looked else []
    run.progress.phase("Verify")
    desired = expected(prepared, run.choices.only)
    outcome.proofs, observed = wait_for_proofs(
        cluster,
        desired,
        lambda: looks.pop() if looks else observe(cluster, run.sessions),
        run.progress,
        timeout=timeout,
    )
    outcome.proofs += [
        Proof(
            "node-left-out",
            "warn",
            f"{node} was left out: nothing is known of it, and it may hold the VIP, too",
            hint="when it is back: hadeploy up",
        )
        for node in run.choices.without
    ]
    outcome.proofs += unreachable_proofs(run.unreachable)
    scene = Scene(cluster, desired, observed, outcome.proofs, unreachable=run.unreachable)
    if failed(outcome.proofs):
        run.progress.phase("Diagnose")
        scene = dataclasses.replace(scene, evidence=look_again(cluster, run.sessions))
        run.progress.failed()
    # `up` comes before the API servers do.
    if failed(outcome.proofs) or outcome.command == "verify":
        outcome.diagnosis = diagnose(scene)


def tell_proofs(options: Options, outcome: Outcome) -> None:
    """Print the proofs and why some failed, and set the exit code by them."""
    wrong = failed(outcome.proofs)
    outcome.code = ExitCode.NOT_PROVEN if wrong else ExitCode.OK
    if not options.as_json:
        options.out.print(proofs_picture(outcome.proofs))
        if outcome.diagnosis:
            options.out.print(diagnosis_picture(outcome.diagnosis), soft_wrap=True)
    if wrong:
        options.err.print(f"{len(wrong)} of {len(outcome.proofs)} proofs failed", style="bold red")
