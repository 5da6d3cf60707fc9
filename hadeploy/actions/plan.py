"""`plan`: the steps of `up`, and whether haproxy and keepalived accept the new configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hadeploy.actions.departing import departing_nodes
from hadeploy.actions.run import Run
from hadeploy.errors import HadeployError
from hadeploy.plan.steps import Plan

if TYPE_CHECKING:
    from hadeploy.remote.session import Session
    from hadeploy.rollout.prepare import Prepared


@dataclass(frozen=True)
class Planned:
    """The steps of the next `up`.

    Attributes:
        prepared: the plan for the nodes of the inventory, with its inputs.
        departing: the plan for nodes that leave the cluster.
        refused: why haproxy or keepalived rejects the new configuration, or None.
    """

    prepared: Prepared
    departing: Plan
    refused: HadeployError | None

    @property
    def changes(self) -> bool:
        """Whether there is anything to change."""
        return bool(self.departing.changes or self.prepared.changes)

    @property
    def parts(self) -> tuple[Plan, Plan]:
        """Both plans in order: nodes leave first, unless other steps must precede it."""
        first, second = self.departing, self.prepared.plan
        return (second, first) if self.prepared.before_removal else (first, second)


def make(run: Run) -> Planned:
    """Plan, and validate the new configuration with haproxy and keepalived on the nodes.

    Args:
        run: the cluster, after `start_observing`.

    Raises:
        HadeployError: the reason why `up` would stop.
    """
    with departing_nodes(run) as departing:
        prepared = run.prepare(check=True, ask=True)
        if not prepared.before_removal:
            departing.check_takeover(run, prepared.observed)
        sessions = {**run.sessions, **departing.sessions}
        # The plan is shown even if a program rejects a file.
        refused = _try_files(run, prepared, sessions) if prepared.plan.changes else None
    planned = Planned(prepared, departing.plan, refused)
    for part in planned.parts:
        run.result.add_plan(part)
    return planned


def _try_files(
    run: Run, prepared: Prepared, sessions: Mapping[str, Session]
) -> HadeployError | None:
    from hadeploy.rollout.try_files import try_files

    try:
        warnings = try_files(prepared, sessions, run.progress)
    except HadeployError as error:
        run.progress.failed()
        return error
    run.result.add_config_warnings(warnings, report=run.ui.config_warnings)
    return None
