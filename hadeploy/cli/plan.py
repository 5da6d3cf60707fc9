"""`hadeploy plan`."""

from __future__ import annotations

import click

from hadeploy import api
from hadeploy.cli.common import Options, cluster_command, reported
from hadeploy.cli.fleet_options import fleet_options
from hadeploy.cli.run_options import ROLLBACK, run_options
from hadeploy.errors import ExitCode
from hadeploy.plan.inputs import RunOptions


@click.command()
@click.option("--exit-code", is_flag=True, help="Exit with 5 if there are changes.")
@ROLLBACK
@run_options
@fleet_options
@cluster_command
def plan(options: Options, choices: RunOptions, exit_code: bool, rollback: bool) -> int:
    """Show what `up` would change, and why (read-only)."""
    with reported(options, "plan") as outcome:
        planned = api.plan(options.deployment, choices, rollback=rollback, result=outcome)
        if exit_code and planned.changes:
            outcome.code = ExitCode.CHANGES_PENDING
        if not options.as_json:
            from hadeploy.ui.render import render_diffs, render_plan

            departing, prepared = planned.departing, planned.prepared
            if departing.changes and not prepared.before_removal:
                options.out.print(render_plan(departing))
            options.out.print(render_plan(prepared.plan, prepared.then))
            if departing.changes and prepared.before_removal:
                options.out.print(render_plan(departing))
            options.out.print(render_diffs(prepared.plan))
        if planned.refused:
            raise planned.refused
    return outcome.code
