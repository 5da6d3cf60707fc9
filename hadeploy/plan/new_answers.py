"""Steps that record new answers to clients after an intended change. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from hadeploy.answers.answer import as_before
from hadeploy.desired import layout
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.recorded_answers import recorded_answers
from hadeploy.plan.steps import Plan, Step

REASON = "the answers to clients have changed"


def with_new_answers(cluster: Cluster, plan: Plan, observed: Mapping[str, ObservedNode]) -> Plan:
    """The plan, with a step that writes the record on each node with other recorded answers."""
    recorded = {t.node for t in plan.nodes if any(s.action == "write-record" for s in t.steps)}
    step = Step("write-record", layout.APPLIED, REASON)
    turns = tuple(
        dataclasses.replace(turn, steps=(*turn.steps, step))
        if turn.node not in recorded and _differs(cluster, observed[turn.node])
        else turn
        for turn in plan.nodes
    )
    return dataclasses.replace(plan, nodes=turns)


def _differs(cluster: Cluster, state: ObservedNode) -> bool:
    if state.applied is None:
        return False
    for listener in cluster.listeners:
        before = recorded_answers(state, listener.name)
        now = [answer for (_, port), answer in state.vip_answers.items() if port == listener.port]
        given = [answer for answer in now if answer.reached and not answer.closed]
        if before and not all(as_before(answer, before) for answer in given):
            return True
    return False
