"""`plan`: what `up` would change, and whether the programs accept it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hadeploy.actions.departing import departing_nodes
from hadeploy.actions.run import Run
from hadeploy.errors import HadeployError
from hadeploy.plan.model import Plan

if TYPE_CHECKING:
    from hadeploy.remote.session import Session
    from hadeploy.rollout.prepare import Prepared


@dataclass(frozen=True)
class Planned:
    """What `up` would do.

    Attributes:
        prepared: the plan of the nodes of the inventory, with what it was made from.
        departing: the plan of the nodes that leave the cluster.
        refused: why haproxy or keepalived do not accept the new configuration, or None.
    """

    prepared: Prepared
    departing: Plan
    refused: HadeployError | None

    @property
    def changes(self) -> bool:
        """Whether anything would be changed."""
        return bool(self.departing.changes or self.prepared.changes)

    @property
    def parts(self) -> tuple[Plan, Plan]:
        """Both plans in order: nodes leave first, unless something has to be done before."""
        first, second = self.departing, self.prepared.plan
        return (second, first) if self.prepared.before_removal else (first, second)


def make(run: Run) -> Planned:
    """Plan, and have haproxy and keepalived check their configurations on the nodes.

    Args:
        run: the cluster, observed.

    Raises:
        HadeployError: something stands in the way of `up`.
    """
    with departing_nodes(run) as going:
        prepared = run.prepare(check=True, ask=True)
        if not prepared.before_removal:
            going.refuse(run, prepared.observed)
        sessions = {**run.sessions, **going.sessions}
        # The plan is shown, also where a program refuses it.
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
    run.result.add_config_warnings(warnings, tell=run.operator.config_warnings)
    return None
