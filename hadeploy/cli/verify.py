"""`hadeploy verify`."""

from __future__ import annotations

import click

from hadeploy.cli.cluster_run import TIMEOUT, connected_run
from hadeploy.cli.common import Options, cluster_command, reported
from hadeploy.cli.fleet_options import fleet_options
from hadeploy.cli.run_options import SKIP_HERE
from hadeploy.observe.gather import listen_seconds
from hadeploy.plan.inputs import RunOptions


@click.command()
@TIMEOUT
@SKIP_HERE
@fleet_options
@cluster_command
def verify(options: Options, timeout: float, skip: tuple[str, ...]) -> int:
    """Verify that clients are served (read-only).

    The VIP is on one node, the port listens on all nodes, and a request through the VIP gets an
    answer. An unreachable node is a failed proof; the other nodes are still verified.
    """
    with reported(options, "verify") as outcome:
        with connected_run(
            options,
            outcome,
            RunOptions(skip=skip),
            tolerant=True,
            modules=("hadeploy.cli.verification",),
        ) as run:
            run.listen = listen_seconds(run.inputs.cluster)
            run.look_ahead("", certificates=True)
            from hadeploy.cli.verification import prove, tell_proofs

            prepared = run.prepare(check=False)
            prove(run, prepared, outcome, timeout, looks=prepared.observed)
        tell_proofs(options, outcome)
    return outcome.code
