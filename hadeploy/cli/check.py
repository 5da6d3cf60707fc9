"""`hadeploy check`."""

from __future__ import annotations

import click

from hadeploy import api
from hadeploy.check.finding import failures
from hadeploy.cli.common import Options, cluster_command, reported
from hadeploy.cli.fleet_options import fleet_options
from hadeploy.cli.run_options import SKIP
from hadeploy.errors import ExitCode
from hadeploy.ui.render_checks import render_checks


@click.command()
@SKIP
@fleet_options
@cluster_command
def check(options: Options, skip: tuple[str, ...]) -> int:
    """Check that the nodes meet the requirements (read-only).

    All nodes and all checks run at once. docs/checks.md describes each check.
    """
    with reported(options, "check") as outcome:
        found = api.check(options.deployment, skip=skip, result=outcome)
        if failures(found):
            outcome.code = ExitCode.UNREACHABLE
        if not options.as_json:
            nodes = [node.label for node in options.deployment.cluster.nodes]
            options.out.print(render_checks(found, nodes), soft_wrap=True)
    return outcome.code
