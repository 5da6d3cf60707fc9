"""`hadeploy verify`."""

from __future__ import annotations

import click

from hadeploy.cli.common import Options, Outcome, cluster_command, reported
from hadeploy.errors import ExitCode
from hadeploy.observe.gather import observe
from hadeploy.run.connections import connected
from hadeploy.run.prepare import prepare
from hadeploy.ui.render import proofs_picture
from hadeploy.verify.model import failed
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
@cluster_command
def verify(options: Options, timeout: float) -> int:
    """Prove that the cluster serves: the VIP on one node, the port on all, traffic through it."""
    with reported(options, "verify") as outcome:
        inputs = options.inputs()
        cluster = inputs.cluster
        outcome.cluster = cluster.name
        with (
            options.progress(cluster) as progress,
            connected(cluster, progress, accept_new=options.accept_new_host_keys) as sessions,
        ):
            prepared = prepare(inputs, sessions, progress)
            looks = [prepared.observed]
            progress.phase("Verify")
            outcome.proofs = wait_for_proofs(
                cluster,
                prepared.desired,
                lambda: looks.pop() if looks else observe(cluster, sessions),
                progress,
                timeout=timeout,
            )
        tell_proofs(options, outcome)
    return outcome.code


def tell_proofs(options: Options, outcome: Outcome) -> None:
    """Print the proofs and set the exit code by them."""
    wrong = failed(outcome.proofs)
    outcome.code = ExitCode.NOT_PROVEN if wrong else ExitCode.OK
    if not options.as_json:
        options.out.print(proofs_picture(outcome.proofs))
    if wrong:
        options.err.print(f"{len(wrong)} of {len(outcome.proofs)} proofs failed", style="bold red")
