"""`hadeploy verify`."""

from __future__ import annotations

import click

from hadeploy import api
from hadeploy.cli.common import Options, cluster_command, reported
from hadeploy.cli.fleet_options import fleet_options
from hadeploy.cli.run_options import SKIP_HERE, TIMEOUT


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
        api.verify(options.deployment, timeout=timeout, skip=skip, result=outcome)
        from hadeploy.cli.proofs import print_proofs

        print_proofs(options, outcome)
    return outcome.code
