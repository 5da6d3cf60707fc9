"""The expected state of nodes that a run does not change (`--limit`). Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

from hadeploy.desired.desired_node import DesiredNode
from hadeploy.observe.applied import Applied
from hadeploy.rollout.prepare import Prepared


def expected(prepared: Prepared, only: Collection[str]) -> dict[str, DesiredNode]:
    """What each node must run: the inventory's configuration, or else what was last applied there.

    Args:
        prepared: the plan of the run.
        only: labels of the nodes that the run may change; empty for all.
    """
    found = dict(prepared.desired)
    for node, state in prepared.observed.items():
        if only and node not in only and state.applied:
            found[node] = as_applied(found[node], state.applied)
    return found


def as_applied(desired: DesiredNode, record: Applied) -> DesiredNode:
    """The desired state with the configuration that was last applied.

    Args:
        desired: from the inventory.
        record: of the node.
    """
    files = tuple(
        # A damaged record may lack it.
        dataclasses.replace(file, config_id=record.config_ids.get(file.role) or file.config_id)
        if file.config_id
        else file
        for file in desired.files
    )
    return dataclasses.replace(desired, files=files)
