"""`hadeploy status`."""

from __future__ import annotations

import datetime
import time
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import click
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from hadeploy.cli.cluster_run import connected_run
from hadeploy.cli.common import Options, cluster_command, reported
from hadeploy.cli.outcome import Outcome
from hadeploy.cli.several import several
from hadeploy.errors import ExitCode, HadeployError
from hadeploy.observe.gather import observation_script
from hadeploy.plan.rolling import make_plan
from hadeploy.run.lookout import Lookout
from hadeploy.run.prepare import Inputs, desired_state
from hadeploy.status.build import cluster_status
from hadeploy.status.metrics import metrics
from hadeploy.status.model import Verdict
from hadeploy.status.situation import Situation
from hadeploy.ui.status import status_picture

# Between two looks; and for the slowest node to answer, before it is told that it does not.
WATCH_SECONDS = 5.0
PATIENCE_SECONDS = 10.0
CODES: dict[Verdict, ExitCode] = {
    "healthy": ExitCode.OK,
    "degraded": ExitCode.NOT_PROVEN,
    "down": ExitCode.DOWN,
    "unknown": ExitCode.UNREACHABLE,
}


@dataclass(frozen=True)
class _Teller:
    """Tells what was seen.

    Attributes:
        every: seconds between two looks; None for one look.
        file: where metrics go, if anywhere.
    """

    options: Options
    outcome: Outcome
    every: float | None
    file: Path | None

    def tell(self, situation: Situation) -> RenderableType:
        """Judge one look; what is for machines is written.

        Returns:
            The picture for people.
        """
        now = datetime.datetime.now(datetime.timezone.utc)
        status, proofs = cluster_status(situation, now.isoformat(timespec="seconds"))
        name = situation.cluster.name
        self.outcome.status, self.outcome.proofs = status, proofs
        self.outcome.code = CODES[status.verdict]
        if self.file:
            _write(self.file, metrics(name, status, now.timestamp()))
        picture = status_picture(name, status, proofs)
        if self.every is None:
            return picture
        at = now.astimezone().strftime("%H:%M:%S")
        return Group(picture, Text(f"at {at}, every {self.every:g} s", "dim"))


@click.command()
@click.option(
    "--watch",
    is_flag=False,
    flag_value=WATCH_SECONDS,
    type=click.FloatRange(min=1),
    metavar="[SECONDS]",
    help=f"Look again and again, every {WATCH_SECONDS:g} s or as often as is said.",
)
@click.option(
    "--metrics-file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Also write what was seen in Prometheus' text format.",
)
@several
@cluster_command
def status(options: Options, watch: float | None, metrics_file: Path | None) -> int:
    """How the cluster is now, on one screen; changes nothing.

    Ends with 0 if it is healthy, 4 if it serves and something is wrong, 7 if it does not serve, and
    3 if no node can be reached.
    """
    with reported(options, "status") as outcome:
        outcome.one_line = watch is not None
        teller = _Teller(options, outcome, watch, metrics_file)
        with connected_run(options, outcome, tolerant=True, least=0, brief=True) as run:
            script = observation_script(run.inputs.cluster, versions=True)
            patience = None if watch is None else PATIENCE_SECONDS
            with Lookout(run.dialer, run.sessions, run.unreachable, script, patience) as nodes:
                run.progress.phase("Observe")
                if watch is None:
                    picture = teller.tell(_look(run.inputs, nodes))
                else:
                    with run.progress.aside():
                        _keep_telling(teller, run.inputs, nodes, watch)
        if not options.as_json:
            options.out.print(picture)
    return outcome.code


def _keep_telling(teller: _Teller, inputs: Inputs, nodes: Lookout, every: float) -> NoReturn:
    """Look and tell until Ctrl-C: in place in a terminal, one below the other elsewhere."""
    options = teller.options
    in_place = options.out.is_terminal and not options.as_json
    live = Live(console=options.out, auto_refresh=False) if in_place else None
    with live or nullcontext():
        while True:
            picture = teller.tell(_look(inputs, nodes))
            if options.as_json:
                teller.outcome.print()
            elif live:
                live.update(picture, refresh=True)
            else:
                options.out.print(picture)
            time.sleep(every)


def _look(inputs: Inputs, nodes: Lookout) -> Situation:
    observed, unreachable = nodes.look()
    cluster = inputs.cluster
    desired = desired_state(inputs, cluster, observed, inputs.password)
    plan = make_plan(cluster, desired, observed)
    return Situation(cluster, desired, observed, plan, unreachable)


def _write(file: Path, text: str) -> None:
    """All at once: whoever reads it finds the old one or the new one.

    Raises:
        HadeployError: it could not be written.
    """
    new = file.with_name(f"{file.name}.new")
    try:
        new.write_text(text)
        new.chmod(0o644)
        new.replace(file)
    except OSError as error:
        raise HadeployError(
            f"{error.strerror}: {error.filename}",
            doing="writing the metrics",
            hint="is it a folder that you may write to?",
        ) from error
