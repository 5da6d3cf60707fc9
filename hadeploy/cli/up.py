"""`hadeploy up`."""

from __future__ import annotations

import click

from hadeploy import api
from hadeploy.cli.common import Options, cluster_command, reported
from hadeploy.cli.fleet_options import fleet_options
from hadeploy.cli.run_options import LOCK_WAIT, ROLLBACK, TIMEOUT, run_options
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
        api.up(
            options.deployment,
            choices,
            timeout=timeout,
            lock_wait=lock_wait,
            rollback=rollback,
            consent=yes,
            result=outcome,
        )
        from hadeploy.cli.proofs import print_next_step, print_proofs

        print_proofs(options, outcome)
        print_next_step(options, outcome, rollback=rollback)
    return outcome.code
