"""`hadeploy check`."""

from __future__ import annotations

import click

from hadeploy.check.catalogue import refuse_unknown
from hadeploy.check.model import failures
from hadeploy.check.render import render_checks
from hadeploy.cli.common import Options, cluster_command, reported
from hadeploy.cli.fleet_options import fleet_options
from hadeploy.cli.run_options import SKIP
from hadeploy.errors import ExitCode
from hadeploy.plan.inputs import RunOptions
from hadeploy.rollout.check_nodes import check_all


@click.command()
@SKIP
@fleet_options
@cluster_command
def check(options: Options, skip: tuple[str, ...]) -> int:
    """Check that the nodes meet the requirements (read-only).

    All nodes and all checks run at once. docs/checks.md describes each check.
    """
    with reported(options, "check") as outcome:
        inputs = options.inputs()
        outcome.cluster = inputs.cluster.name
        refuse_unknown(skip, essential=True)
        dialer = options.dialer()
        with options.progress(inputs.cluster) as progress:
            outcome.checks = check_all(inputs, dialer, progress, RunOptions(skip=skip))
            if failures(outcome.checks):
                outcome.code = ExitCode.UNREACHABLE
                progress.failed()
        if not options.as_json:
            nodes = [node.label for node in inputs.cluster.nodes]
            options.out.print(render_checks(outcome.checks, nodes), soft_wrap=True)
    return outcome.code
