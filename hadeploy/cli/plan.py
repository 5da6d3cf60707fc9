"""`hadeploy plan`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from hadeploy.cli.cluster_run import Run, connected_run
from hadeploy.cli.common import Options, cluster_command, reported
from hadeploy.cli.fleet_options import fleet_options
from hadeploy.cli.outcome import Outcome
from hadeploy.cli.run_options import ROLLBACK, run_options
from hadeploy.errors import ExitCode, HadeployError
from hadeploy.plan.inputs import RunOptions

if TYPE_CHECKING:
    from hadeploy.remote.session import Session
    from hadeploy.rollout.prepare import Prepared


@click.command()
@click.option("--exit-code", is_flag=True, help="Exit with 5 if there are changes.")
@ROLLBACK
@run_options
@fleet_options
@cluster_command
def plan(options: Options, choices: RunOptions, exit_code: bool, rollback: bool) -> int:
    """Show what `up` would change, and why (read-only)."""
    with reported(options, "plan") as outcome:
        with connected_run(
            options, outcome, choices, modules=("hadeploy.cli.prune", "hadeploy.ui.render")
        ) as run:
            run.look_ahead("fresh")
            from hadeploy.cli.prune import departing_nodes
            from hadeploy.ui.render import config_warning_line, render_diffs, render_plan

            if rollback:
                run.look_back()
            with departing_nodes(run) as going:
                prepared = run.prepare(check=True, ask=True)
                if not prepared.before_removal:
                    going.refuse(run, prepared.observed)
                # The plan is shown, also where a program refuses it.
                sessions = {**run.sessions, **going.sessions}
                changes = bool(prepared.plan.changes)
                refused = _tried(outcome, run, prepared, sessions) if changes else None
            plans = [going.plan, prepared.plan]
            # With both, nodes leave first only where nothing has to be done before.
            first, second = reversed(plans) if prepared.before_removal else plans
            outcome.plan = first.then(second)
        if exit_code and (going.plan.changes or prepared.changes):
            outcome.code = ExitCode.CHANGES_PENDING
        if not options.as_json:
            if going.plan.changes and not prepared.before_removal:
                options.out.print(render_plan(going.plan))
            options.out.print(render_plan(prepared.plan, prepared.then))
            if going.plan.changes and prepared.before_removal:
                options.out.print(render_plan(going.plan))
            options.out.print(render_diffs(prepared.plan))
        for warning in outcome.config_warnings:
            options.err.print(config_warning_line(warning), soft_wrap=True)
        if refused:
            raise refused
    return outcome.code


def _tried(
    outcome: Outcome, run: Run, prepared: Prepared, sessions: Mapping[str, Session]
) -> HadeployError | None:
    """Have the programs check what they would be given; they may refuse it."""
    from hadeploy.rollout.try_files import try_files
    from hadeploy.rollout.validation import merged

    try:
        outcome.config_warnings = merged(try_files(prepared, sessions, run.progress))
    except HadeployError as error:
        run.progress.failed()
        return error
    return None
