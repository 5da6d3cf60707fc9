"""`hadeploy unlock`."""

from __future__ import annotations

import click

from hadeploy import api
from hadeploy.cli.common import Options, cluster_command, reported


@click.command()
@click.option("-y", "--yes", is_flag=True, help="Do not ask for confirmation.")
@cluster_command
def unlock(options: Options, yes: bool) -> int:
    """Release the lock of an interrupted run.

    If that run is still alive, it makes no further changes. A lock expires two minutes after its
    last renewal.
    """
    with reported(options, "unlock") as outcome:
        outcome.cluster = options.deployment.cluster.name
        if not api.unlock(options.deployment, consent=yes):
            options.err.print("No node is locked.")
    return outcome.code
