"""`hadeploy up`."""

from __future__ import annotations

import click

from hadeploy.cli.cluster_run import LOCK_WAIT, TIMEOUT, connected_run
from hadeploy.cli.common import Options, cluster_command, reported
from hadeploy.cli.fleet_options import fleet_options
from hadeploy.cli.run_options import ROLLBACK, run_options
from hadeploy.plan.inputs import RunOptions


@click.command()
@click.option(
    "-y",
    "--yes",
    is_flag=True,
    help="Do not ask before removing a port or a VIP, or undoing changes of others.",
)
@TIMEOUT
@LOCK_WAIT
@ROLLBACK
@run_options
@fleet_options
@cluster_command
def up(
    options: Options,
    choices: RunOptions,
    *,
    timeout: float,
    lock_wait: float,
    rollback: bool,
    yes: bool,
) -> int:
    """Apply the inventory and verify the result.

    Safe to repeat: `up` changes only what differs from the inventory. It asks before it removes a
    port or a VIP, and before it undoes a change that someone else applied.
    """
    with reported(options, "up") as outcome:
        with connected_run(options, outcome, choices, modules=("hadeploy.cli.bring_up",)) as run:
            run.look_ahead("fresh", certificates=True)
            from hadeploy.cli.bring_up import bring_up, tell

            if rollback:
                run.look_back()
            made = bring_up(options, outcome, run, timeout, lock_wait, yes=yes)
        tell(options, outcome, run, made)
    return outcome.code
