"""`plan`: the steps that `up` would do, and whether haproxy and keepalived accept their files."""

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
    """The steps that `up` would do.

    Attributes:
        prepared: the plan for the nodes of the inventory, with its inputs.
        departing: the plan for nodes that leave the cluster.
        refused: why haproxy or keepalived reject the new configuration, or None.
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
        """Both plans in order: nodes leave first, unless other steps must come before."""
        first, second = self.departing, self.prepared.plan
        return (second, first) if self.prepared.before_removal else (first, second)


def make(run: Run) -> Planned:
    """Plan, and have haproxy and keepalived check their configurations on the nodes.

    Args:
        run: the cluster, after `start_observing`.

    Raises:
        HadeployError: `up` would stop for this reason.
    """
    with departing_nodes(run) as going:
        prepared = run.prepare(check=True, ask=True)
        if not prepared.before_removal:
            going.refuse(run, prepared.observed)
        sessions = {**run.sessions, **going.sessions}
        # The plan is shown even if a program rejects a file.
        refused = _try_files(run, prepared, sessions) if prepared.plan.changes else None
    planned = Planned(prepared, going.plan, refused)
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
    run.result.add_config_warnings(warnings, tell=run.ui.config_warnings)
    return None
