"""`hadeploy plan`."""

from __future__ import annotations

import click

from hadeploy.cli.choosing import ROLLBACK, choosing
from hadeploy.cli.cluster_run import connected_run
from hadeploy.cli.common import Options, cluster_command, reported
from hadeploy.cli.several import several
from hadeploy.errors import ExitCode
from hadeploy.run.inputs import Choices


@click.command()
@click.option("--exit-code", is_flag=True, help="Exit with 5 when there are changes to make.")
@ROLLBACK
@choosing
@several
@cluster_command
def plan(options: Options, choices: Choices, exit_code: bool, rollback: bool) -> int:
    """Show what `up` would do, with reasons; change nothing."""
    with reported(options, "plan") as outcome:
        with connected_run(options, outcome, choices) as run:
            run.look_ahead("fresh", "hadeploy.cli.prune", "hadeploy.ui.render")
            from hadeploy.cli.prune import leaving
            from hadeploy.ui.render import diffs_picture, plan_picture

            if rollback:
                run.look_back()
            with leaving(run) as going:
                prepared = run.prepare(check=True)
            outcome.plan = going.plan.then(prepared.plan)
        if exit_code and (going.plan.changes or prepared.changes):
            outcome.code = ExitCode.CHANGES_PENDING
        if not options.as_json:
            if going.plan.changes:
                options.out.print(plan_picture(going.plan))
            options.out.print(plan_picture(prepared.plan, prepared.then))
            options.out.print(diffs_picture(prepared.plan))
    return outcome.code
