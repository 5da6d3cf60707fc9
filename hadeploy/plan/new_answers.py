"""Recording anew what clients are answered, where that was changed on purpose. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from hadeploy.answers.answer import as_before
from hadeploy.desired import layout
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.recorded_answers import recorded_answers
from hadeploy.plan.steps import Plan, Step

REASON = "clients are answered otherwise than it tells"


def with_new_answers(cluster: Cluster, plan: Plan, observed: Mapping[str, ObservedNode]) -> Plan:
    """A plan that also writes the record of each node that recorded other answers.

    Args:
        cluster: the inventory.
        plan: what is to be done besides.
        observed: by node label.
    """
    recorded = {t.node for t in plan.nodes if any(s.action == "write-record" for s in t.steps)}
    step = Step("write-record", layout.APPLIED, REASON)
    turns = tuple(
        dataclasses.replace(turn, steps=(*turn.steps, step))
        if turn.node not in recorded and _differs(cluster, observed[turn.node])
        else turn
        for turn in plan.nodes
    )
    return dataclasses.replace(plan, nodes=turns)


def _differs(cluster: Cluster, look: ObservedNode) -> bool:
    if look.applied is None:
        return False
    for listener in cluster.listeners:
        before = recorded_answers(look, listener.name)
        now = [answer for (_, port), answer in look.through.items() if port == listener.port]
        given = [answer for answer in now if answer.reached and not answer.closed]
        if before and not all(as_before(answer, before) for answer in given):
            return True
    return False
