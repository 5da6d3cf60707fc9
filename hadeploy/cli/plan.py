"""`hadeploy plan`."""

from __future__ import annotations

import click

from hadeploy.cli.common import FORGET, Options, cluster_command, prepared_run, reported
from hadeploy.errors import ExitCode
from hadeploy.ui.render import diffs_picture, plan_picture


@click.command()
@click.option("--exit-code", is_flag=True, help="Exit with 5 when there are changes to make.")
@FORGET
@cluster_command
def plan(options: Options, exit_code: bool, forget: tuple[str, ...]) -> int:
    """Show what `up` would do, with reasons; change nothing."""
    with reported(options, "plan") as outcome:
        with prepared_run(options, outcome, forget=forget) as run:
            outcome.plan = run.prepared.plan
        if exit_code and outcome.plan.changes:
            outcome.code = ExitCode.CHANGES_PENDING
        if not options.as_json:
            options.out.print(plan_picture(outcome.plan))
            options.out.print(diffs_picture(outcome.plan))
    return outcome.code
