"""`drill`: cause failures, measure the outage, and repair them."""

from __future__ import annotations

import time
from collections.abc import Sequence

from hadeploy.actions.prove import prove
from hadeploy.actions.retry import retry_when_locked
from hadeploy.actions.run import Run
from hadeploy.drill.options import DrillOptions
from hadeploy.drill.probe import find_request_kind
from hadeploy.drill.record import DrillRecord, Setting
from hadeploy.drill.run_round import Drill
from hadeploy.drill.run_scenario import run_scenario
from hadeploy.drill.scenarios import Scenario
from hadeploy.drill.verdict import result_of
from hadeploy.drill.versions import versions
from hadeploy.errors import ExitCode, HadeployError
from hadeploy.rollout.interrupt import deferred
from hadeploy.rollout.lock import held
from hadeploy.rollout.prepare import Prepared
from hadeploy.support.collect import redactor_of
from hadeploy.verify.proof import failed

HEALTHY_SECONDS = 5.0


def run_drill(
    run: Run,
    scenarios: Sequence[Scenario],
    options: DrillOptions,
    lock_wait: float,
    *,
    consent: bool,
) -> DrillRecord:
    """Run all rounds; the run's result has those that are done after an error.

    Raises:
        HadeployError: the cluster is not healthy to begin with, or a failure could not be caused
            or repaired.
        Exception: the user declines.
    """
    prepared = _require_healthy(run)
    record = run.result.drill = _record(run, prepared, options)
    if not consent:
        names = ", ".join(scenario.name for scenario in scenarios)
        with run.progress.aside():
            run.ui.confirm(f"Cause failures in cluster {run.inputs.cluster.name} ({names})?")
    retry_when_locked(
        lambda: _run_rounds(run, prepared, scenarios, options, record), run.progress, lock_wait
    )
    record.complete = True
    return record


def _require_healthy(run: Run) -> Prepared:
    """Run the proofs before the drill.

    Raises:
        HadeployError: a proof failed.
    """
    prepared = run.prepare(check=False)
    prove(run, prepared, HEALTHY_SECONDS, latest=prepared.observed)
    problems = failed(run.result.proofs)
    if problems:
        node = f"{problems[0].node}: " if problems[0].node else ""
        raise HadeployError(
            f"the cluster is not healthy ({node}{problems[0].message}); no failure was caused",
            operation="preparing the drill",
            hint="hadeploy verify",
            code=ExitCode.NOT_PROVEN,
        )
    return prepared


def _record(run: Run, prepared: Prepared, options: DrillOptions) -> DrillRecord:
    cluster = prepared.cluster
    running = versions(cluster, run.sessions) if options.versions else {}
    return DrillRecord(
        Setting(cluster, prepared.desired, running, time.time(), options.max_outage),
        redactor_of(run.inputs, run.dialer, prepared.observed),
    )


def _run_rounds(
    run: Run,
    prepared: Prepared,
    scenarios: Sequence[Scenario],
    options: DrillOptions,
    record: DrillRecord,
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
            find_request_kind(str(cluster.vip[0].ip), cluster.listeners[0].port),
            options.rate,
            options.hold,
        )

        def healthy() -> bool:
            prove(run, prepared, options.timeout)
            return not failed(run.result.proofs)

        for scenario in [s for s in scenarios for _ in range(options.repeat)]:
            for round_ in run_scenario(drill, scenario, healthy):
                record.results.append(result_of(round_, options.max_outage))
            if not record.results[-1].round.healthy:
                return
