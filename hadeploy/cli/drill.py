"""`hadeploy drill`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from hadeploy import api
from hadeploy.actions.prove import prove
from hadeploy.actions.run import Run, retry_when_locked
from hadeploy.cli.common import Options, cluster_command, reported
from hadeploy.cli.drill_reporter import DrillReporter
from hadeploy.cli.open_files import MIN_OPEN_FILES, require_open_files
from hadeploy.cli.outcome import Outcome
from hadeploy.cli.run_options import LOCK_WAIT
from hadeploy.drill.probe import find_how
from hadeploy.drill.round import Drill
from hadeploy.drill.rounds import run_scenario
from hadeploy.drill.scenarios import NAMES, PERMISSIONS, SCENARIOS, Scenario, chosen
from hadeploy.drill.trial import Round
from hadeploy.errors import ExitCode, HadeployError
from hadeploy.rollout.interrupt import deferred
from hadeploy.rollout.lock import held
from hadeploy.rollout.prepare import Prepared
from hadeploy.ui.ask import confirm
from hadeploy.verify.proof import failed

EPILOG = "\b\nScenarios:\n" + "\n".join(f"  {s.name:16} {s.does}" for s in SCENARIOS)


@dataclasses.dataclass(frozen=True)
class DrillOptions:
    """The options of a drill."""

    scenarios: tuple[Scenario, ...]
    repeat: int
    hold: float
    rate: float
    timeout: float
    max_outage: float | None
    timeline: bool | None
    report: Path | None


def _permissions(command: Callable[..., int]) -> Callable[..., int]:
    """Add the options that allow scenarios."""
    for permission in reversed(PERMISSIONS):
        command = click.option(permission.option, is_flag=True, help=permission.help)(command)
    return command


@click.command(epilog=EPILOG)
@click.argument("scenarios", nargs=-1, metavar="[SCENARIO]...", type=click.Choice(NAMES))
@click.option(
    "--repeat", type=click.IntRange(1, 1000), default=1, help="Repeat each round this many times."
)
@click.option(
    "--hold",
    type=click.FloatRange(0, 60),
    default=2.0,
    show_default=True,
    metavar="SECONDS",
    help="Keep the failure this long after the VIP has moved.",
)
@click.option(
    "--rate",
    type=click.FloatRange(1, 1000),
    default=50.0,
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
    default=60.0,
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
    options: Options, scenarios: tuple[str, ...], yes: bool, lock_wait: float, **others: Any
) -> int:
    """Run failover tests: cause a failure, measure the outage, and repair it.

    Runs haproxy-stop by default. Refused if the cluster is not healthy. Each node repairs itself
    after a time limit, even if this machine is gone.
    """
    names_of = {each.option: each.option.strip("-").replace("-", "_") for each in PERMISSIONS}
    allowed = [option for option, name in names_of.items() if others.pop(name)]
    wanted = DrillOptions(tuple(chosen(scenarios or NAMES[:1], allowed)), **others)
    with reported(options, "drill") as outcome:
        # An unanswered request stays open for three seconds.
        require_open_files(MIN_OPEN_FILES + round(3 * wanted.rate), "a lower --rate, or ")
        reporter = DrillReporter(
            options, outcome, wanted.max_outage, wanted.timeline, wanted.report
        )
        reporter.require_writable()
        try:
            with api.connect(options.deployment, result=outcome) as run:
                prepared = _require_healthy(run, outcome)
                reporter.prepare(run, prepared)
                if not (yes or _is_lab(options)):
                    with run.progress.aside():
                        names = ", ".join(scenario.name for scenario in wanted.scenarios)
                        name = run.inputs.cluster.name
                        confirm(f"Cause failures in cluster {name} ({names})?")
                retry_when_locked(
                    lambda: _drill(run, prepared, wanted, outcome, reporter.rounds),
                    run.progress,
                    lock_wait,
                )
                reporter.complete = True
        finally:
            # Report the completed rounds even after an error.
            reporter.finish()
    return outcome.code


def _is_lab(options: Options) -> bool:
    # Imported only when needed: importing the lab takes about 60 ms.
    from hadeploy.cli.lab import belongs_to_lab

    return belongs_to_lab(options.deployment.folder)


def _require_healthy(run: Run, outcome: Outcome) -> Prepared:
    """Run the proofs before the drill.

    Raises:
        HadeployError: a proof failed.
    """
    prepared = run.prepare(check=False)
    prove(run, prepared, 5.0, latest=prepared.observed)
    problems = failed(outcome.proofs)
    if problems:
        node = f"{problems[0].node}: " if problems[0].node else ""
        raise HadeployError(
            f"the cluster is not healthy ({node}{problems[0].message}); no failure was caused",
            operation="preparing the drill",
            hint="hadeploy verify",
            code=ExitCode.NOT_PROVEN,
        )
    return prepared


def _drill(
    run: Run, prepared: Prepared, wanted: DrillOptions, outcome: Outcome, rounds: list[Round]
) -> None:
    cluster = prepared.cluster
    with (
        held("drill", cluster, run.sessions, run.progress) as lock,
        deferred(
            run.progress,
            "the failure was repaired: `hadeploy verify`",
            "repairing the failure first; press Ctrl-C again to leave it to the nodes",
        ) as interrupt,
    ):
        drill = Drill(
            cluster,
            prepared.desired,
            run.sessions,
            run.progress,
            interrupt,
            lock,
            find_how(str(cluster.vip[0].ip), cluster.listeners[0].port),
            wanted.rate,
            wanted.hold,
        )

        def healthy() -> bool:
            prove(run, prepared, wanted.timeout)
            return not failed(outcome.proofs)

        for scenario in [s for s in wanted.scenarios for _ in range(wanted.repeat)]:
            rounds.extend(run_scenario(drill, scenario, healthy))
            if not rounds[-1].healthy:
                return
