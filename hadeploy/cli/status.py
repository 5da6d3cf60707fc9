"""`hadeploy status`."""

from __future__ import annotations

from pathlib import Path

import click

from hadeploy import api
from hadeploy.cli.common import Options, cluster_command, reported
from hadeploy.cli.fleet_options import fleet_options
from hadeploy.cli.run_options import SKIP_HERE

# The default interval of --watch.
REFRESH_SECONDS = 5.0


@click.command()
@click.option(
    "--watch",
    is_flag=False,
    flag_value=REFRESH_SECONDS,
    type=click.FloatRange(min=1),
    metavar="[SECONDS]",
    help=f"Refresh every SECONDS.  [default: {REFRESH_SECONDS:g}]",
)
@click.option(
    "--metrics-file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Also write metrics in the Prometheus text format.",
)
@SKIP_HERE
@fleet_options
@cluster_command
def status(
    options: Options, skip: tuple[str, ...], watch: float | None, metrics_file: Path | None
) -> int:
    """Show cluster status.

    Exits with 0 if the cluster is healthy, 4 if it is degraded, 7 if it is down, and 3 if no node
    is reachable.
    """
    with reported(options, "status") as outcome:
        outcome.one_line = watch is not None
        snapshots = api.watch(options.deployment, watch, skip=skip, result=outcome)
        first = next(snapshots)
        from hadeploy.cli.status_reporter import StatusReporter

        reporter = StatusReporter(options, outcome, watch, metrics_file)
        rendered = reporter.report(first)
        if watch is not None:
            reporter.show_until_interrupted(rendered, snapshots)
        # The display of progress must end before the result is printed.
        snapshots.close()
        if not options.as_json:
            options.out.print(rendered)
    return outcome.code
