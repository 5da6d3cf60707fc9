"""`hadeploy drill`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from hadeploy import api
from hadeploy.cli.common import Options, cluster_command, reported
from hadeploy.cli.drill_reporter import DrillReporter
from hadeploy.cli.open_files import MIN_OPEN_FILES, require_open_files
from hadeploy.cli.run_options import LOCK_WAIT
from hadeploy.drill.scenarios import NAMES, PERMISSIONS, SCENARIOS

EPILOG = "\b\nScenarios:\n" + "\n".join(f"  {s.name:16} {s.description}" for s in SCENARIOS)


def _permissions(command: Callable[..., int]) -> Callable[..., int]:
    """Add the options that allow scenarios."""
    for permission in reversed(PERMISSIONS):
        command = click.option(permission.option, is_flag=True, help=permission.help)(command)
    return command


@click.command(epilog=EPILOG)
@click.argument("scenarios", nargs=-1, metavar="[SCENARIO]...", type=click.Choice(NAMES))
@click.option(
    "--repeat",
    type=click.IntRange(1, 1000),
    default=api.DrillOptions.repeat,
    help="Repeat each round this many times.",
)
@click.option(
    "--hold",
    type=click.FloatRange(0, 60),
    default=api.DrillOptions.hold,
    show_default=True,
    metavar="SECONDS",
    help="Keep the failure this long after the VIP has moved.",
)
@click.option(
    "--rate",
    type=click.FloatRange(1, 1000),
    default=api.DrillOptions.rate,
    show_default=True,
    metavar="REQUESTS",
    help="Requests per second through the VIP, from this machine.",
)
@click.option(
    "--max-outage",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="Fail if the VIP is unavailable for longer.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    default=api.DrillOptions.timeout,
    show_default=True,
    metavar="SECONDS",
    help="Wait this long for the cluster to recover.",
)
@click.option(
    "--timeline/--no-timeline",
    default=None,
    help="Draw a timeline of each round. Default, on a terminal: a single round, or the rounds "
    "that failed.",
)
@click.option(
    "--report",
    metavar="FILE.html",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write an HTML report to share: figures, timelines, versions, "
    "configurations and logs, without secrets.",
)
@click.option("-y", "--yes", is_flag=True, help="Do not ask for confirmation, even outside a lab.")
@_permissions
@LOCK_WAIT
@cluster_command
def drill(
    options: Options,
    scenarios: tuple[str, ...],
    yes: bool,
    lock_wait: float,
    timeline: bool | None,
    report: Path | None,
    **wanted: Any,
) -> int:
    """Run failover tests: cause a failure, measure the outage, and repair it.

    Runs haproxy-stop by default. Refused if the cluster is not healthy. Each node repairs itself
    after a time limit, even if this machine is gone.
    """
    names_of = {each.option: each.option.strip("-").replace("-", "_") for each in PERMISSIONS}
    allowed = tuple(option for option, name in names_of.items() if wanted.pop(name))
    how = api.DrillOptions(allowed=allowed, versions=report is not None, **wanted)
    with reported(options, "drill") as outcome:
        # An unanswered request stays open for three seconds.
        require_open_files(MIN_OPEN_FILES + round(3 * how.rate), "a lower --rate, or ")
        reporter = DrillReporter(options, outcome, timeline, report)
        reporter.require_writable()
        try:
            api.drill(
                options.deployment,
                scenarios,
                how,
                lock_wait=lock_wait,
                consent=yes or _is_lab(options),
                result=outcome,
            )
        finally:
            # Report the completed rounds even after an error.
            reporter.finish()
    return outcome.code


def _is_lab(options: Options) -> bool:
    # Imported only when needed: importing the lab takes about 60 ms.
    from hadeploy.cli.lab import belongs_to_lab

    return belongs_to_lab(options.deployment.folder)
