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
    help="Do not ask before a port or a VIP goes away, or a change of others is undone.",
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
    """Bring the cluster up, or to a changed inventory, and prove that it serves.

    Run it as often as you like: what is already right is not touched. Before a port or a VIP goes
    away for clients, and before it undoes what somebody else changed, it asks.
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
