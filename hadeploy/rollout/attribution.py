"""Who applied the present configuration, and whose changes a plan undoes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.inputs import Inputs
from hadeploy.plan.inventory_changes import (
    applied_by_another,
    gone_back,
    newest,
    recorded_inventory,
    undone,
)
from hadeploy.plan.previous import Previous
from hadeploy.plan.steps import Plan
from hadeploy.rollout.contents import contents_of
from hadeploy.rollout.record import this_user


def with_authors(
    inputs: Inputs,
    plan: Plan,
    observed: Mapping[str, ObservedNode],
    previous: Previous | None,
) -> tuple[Plan, Mapping[str, str] | None]:
    """The plan with the authors of the changes that it undoes, and the contents for the record.

    Args:
        inputs: of the run.
        plan: made from them.
        observed: by node label.
        previous: replaces the inventory in a rollback.
    """
    if not plan.changes:
        return plan, None
    record, by = newest(state.applied for state in observed.values()), this_user()
    if previous:
        # The user undoes a change on purpose.
        applied = gone_back(record, previous.record)
        return dataclasses.replace(plan, applied=applied), previous.record.contents
    contents = contents_of(inputs, plan, record)
    undoes = undone(record, recorded_inventory(inputs.cluster), by, contents)
    applied = applied_by_another(record, by)
    return dataclasses.replace(plan, undoes=undoes, applied=applied), contents
