"""Who applied the present configuration, and whose changes a plan undoes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from hadeploy.observe.applied import Applied
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
    if whose := _whose(record, observed):
        # An interrupted run, or a record that was changed by hand.
        undoes = tuple(f"By the record of {whose}: {sentence}" for sentence in undoes)
        applied = applied and f"By the record of {whose}: {applied}"
    return dataclasses.replace(plan, undoes=undoes, applied=applied), contents


def _whose(record: Applied | None, observed: Mapping[str, ObservedNode]) -> str:
    """The nodes with that record; "" if all nodes that have one have the same."""
    written = {
        node: (look.applied.configuration, look.applied.by)
        for node, look in observed.items()
        if look.applied
    }
    if record is None or len(set(written.values())) == 1:
        return ""
    return " and ".join(n for n, one in written.items() if one == (record.configuration, record.by))
