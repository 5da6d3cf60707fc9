"""`hadeploy status`."""

from __future__ import annotations

from pathlib import Path

import click

from hadeploy.cli.cluster_run import certificate_reader, connected_run
from hadeploy.cli.common import Options, cluster_command, reported
from hadeploy.cli.fleet_options import fleet_options
from hadeploy.cli.run_options import SKIP_HERE
from hadeploy.observe.gather import PROBE_SECONDS, observation_script
from hadeploy.plan.inputs import RunOptions
from hadeploy.status.poller import NodePoller

# Between two looks; and for the slowest node to answer, before it is told that it does not.
REFRESH_SECONDS = 5.0
PATIENCE_SECONDS = 10.0


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
        choices = RunOptions(skip=skip)
        with connected_run(
            options,
            outcome,
            choices,
            tolerant=True,
            least=0,
            brief=True,
            modules=("hadeploy.cli.status_reporter",),
        ) as run:
            script = observation_script(run.inputs.cluster, versions=True, listen=PROBE_SECONDS)
            patience = None if watch is None else PATIENCE_SECONDS
            with NodePoller(run.dialer, run.sessions, run.unreachable, script, patience) as nodes:
                run.progress.phase("Observe")
                reader = certificate_reader(run.inputs.cluster, lambda: nodes.sessions)

                def meanwhile() -> None:
                    reader.begin()
                    run.ready.finish()

                seen = nodes.look(meanwhile)
                from hadeploy.cli.status_reporter import StatusReporter, keep_telling, situation_of

                teller = StatusReporter(options, outcome, watch, metrics_file)
                first = situation_of(run.inputs, reader, *seen, here=not skip)
                if watch is None:
                    picture = teller.tell(first)
                else:
                    with run.progress.aside():
                        keep_telling(teller, run.inputs, nodes, reader, first, here=not skip)
        if not options.as_json:
            options.out.print(picture)
    return outcome.code
