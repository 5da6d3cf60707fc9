"""`hadeploy status`."""

from __future__ import annotations

from pathlib import Path

import click

from hadeploy import api
from hadeploy.cli.common import Options, cluster_command, reported
from hadeploy.cli.fleet_options import fleet_options
from hadeploy.cli.run_options import SKIP_HERE

# Between two looks.
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

    Exits with 0 if the cluster is healthy, 4 if it serves but something is wrong, 7 if it does not
    serve, and 3 if no node can be reached.
    """
    with reported(options, "status") as outcome:
        outcome.one_line = watch is not None
        looks = api.watch(options.deployment, watch, skip=skip, result=outcome)
        first = next(looks)
        from hadeploy.cli.status_reporter import StatusReporter

        teller = StatusReporter(options, outcome, watch, metrics_file)
        picture = teller.tell(first)
        if watch is not None:
            teller.keep_telling(picture, looks)
        # Only then is the terminal free.
        looks.close()
        if not options.as_json:
            options.out.print(picture)
    return outcome.code
