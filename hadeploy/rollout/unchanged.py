"""What is expected of nodes that a run was told to leave as they are. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

from hadeploy.desired.desired_node import DesiredNode
from hadeploy.observe.observed_node import Applied
from hadeploy.rollout.prepare import Prepared


def expected(prepared: Prepared, only: Collection[str]) -> dict[str, DesiredNode]:
    """What each node must run: the inventory's configuration, or on others what was applied there.

    Args:
        prepared: what the run was about.
        only: the labels of the nodes that it was allowed to change; empty for all.
    """
    found = dict(prepared.desired)
    for node, look in prepared.observed.items():
        if only and node not in only and look.applied:
            found[node] = as_applied(found[node], look.applied)
    return found


def as_applied(desired: DesiredNode, record: Applied) -> DesiredNode:
    """The same node, whose programs run what was applied last.

    Args:
        desired: what the inventory says.
        record: the node's own.
    """
    files = tuple(
        # A damaged record may not tell it.
        dataclasses.replace(file, config_id=record.config_ids.get(file.role) or file.config_id)
        if file.config_id
        else file
        for file in desired.files
    )
    return dataclasses.replace(desired, files=files)
