"""`hadeploy down`."""

from __future__ import annotations

import click

from hadeploy import api
from hadeploy.cli.common import Options, cluster_command, reported
from hadeploy.cli.fleet_options import fleet_options
from hadeploy.cli.run_options import ALLOW_DEGRADED, FORGET, LOCK_WAIT
from hadeploy.plan.inputs import RunOptions


@click.command()
@click.option("-y", "--yes", is_flag=True, help="Do not ask for confirmation.")
@LOCK_WAIT
@FORGET
@ALLOW_DEGRADED
@fleet_options
@cluster_command
def down(
    options: Options,
    yes: bool,
    lock_wait: float,
    forget: tuple[str, ...],
    allow_degraded: tuple[str, ...],
) -> int:
    """Remove the containers, the VIP and the files that hadeploy created.

    Keeps the images. hadeploy never touches anything that it did not create.
    """
    with reported(options, "down") as outcome:
        choices = RunOptions(forget=forget, without=allow_degraded)
        left_out = api.down(
            options.deployment, choices, lock_wait=lock_wait, consent=yes, result=outcome
        )
        if not options.as_json:
            nodes = "the other nodes" if left_out else "the nodes"
            options.out.print(f"Nothing of hadeploy is left on {nodes}.", style="green")
    return outcome.code
