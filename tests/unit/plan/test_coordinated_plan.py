"""A plan that changes all nodes together: what it says, and what it does to the holder."""

from __future__ import annotations

from typing import Any

import pytest

from hadeploy.plan.rolling import as_outage, changing, interrupts_the_holder, make_plan
from hadeploy.plan.steps import Impact, NodePlan, Plan
from tests.unit import builders
from tests.unit.nodes import Node

ROUTER: dict[str, Any] = {"vrrp": {"virtual_router_id": 9}}
RECREATES = {**ROUTER, "haproxy": {"maxconn": 900}}


def planned(observed: dict[str, Node] | None = None, **inventory: Any) -> Plan:
    cluster = builders.cluster(**inventory)
    observed = observed or builders.healthy(builders.cluster())
    return make_plan(cluster, builders.desired(cluster), observed)


def impacts(plan: Plan, node: str) -> set[Impact]:
    return {step.impact for turn in plan.nodes if turn.node == node for step in turn.steps}


def actions(turn: NodePlan) -> list[str]:
    return [step.action for step in turn.steps]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["virtual_router_id"], "virtual_router_id changes"),
        (["virtual_router_id", "password"], "virtual_router_id, password change"),
    ],
)
def test_what_changes_as_subject_and_verb(settings: list[str], said: str) -> None:
    assert changing(settings) == said


def test_the_plan_and_its_steps_mark_coordinated_changes() -> None:
    plan = planned(**ROUTER)
    assert plan.warnings[0].startswith("virtual_router_id changes on all nodes together: no")
    held = plan.nodes[0].steps[0]
    assert (held.action, held.reason) == ("hold", "virtual_router_id changes on all nodes together")


def test_each_step_of_a_coordinated_change_has_its_subject_and_reason() -> None:
    changing_steps = {"write-file", "reload-container", "write-record"}
    steps = [
        (turn.node, step.action, step.subject, step.reason)
        for turn in planned(**ROUTER).nodes
        for step in turn.steps
        if step.action not in changing_steps
    ]
    together = "virtual_router_id changes on all nodes together"
    assert steps == [
        ("n2", "hold", "the VIP", together),
        ("n3", "hold", "the VIP", together),
        ("n1", "pin", "the VIP", "stays here while the VRRP instance restarts"),
        ("n1", "unpin", "the VIP", "keepalived is master again"),
        ("n2", "finish-handover", "the VIP", "all nodes have changed"),
        ("n3", "finish-handover", "the VIP", "all nodes have changed"),
    ]


def test_as_an_outage_only_what_restarts_the_holder_interrupts() -> None:
    plan = planned(**RECREATES)
    outage = as_outage(plan)
    assert impacts(plan, "n1") == {Impact.NONE, Impact.RELOAD, Impact.RESTART}
    assert impacts(outage, "n1") == {Impact.NONE, Impact.RELOAD, Impact.OUTAGE}
    assert impacts(outage, "n2") == impacts(plan, "n2")
    assert outage.warnings[:-1] == plan.warnings
    assert outage.warnings[-1].startswith(
        "The VRRP settings of the nodes differ, so the holder does not answer"
    )


def test_only_restarts_of_the_holder_interrupt_it() -> None:
    observed = builders.healthy(builders.cluster(haproxy={"maxconn": 900}))
    old = builders.healthy(builders.cluster())
    backup_is_old = {**observed, "n2": old["n2"]}
    holder_is_old = {**observed, "n1": old["n1"]}
    assert not interrupts_the_holder(planned(backup_is_old, **RECREATES))
    assert interrupts_the_holder(planned(holder_is_old, **RECREATES))


def test_of_two_holders_one_is_held_as_a_backup_is() -> None:
    observed = builders.healthy(builders.cluster())
    observed["n3"] = observed["n3"].with_vip()
    plan = planned(observed, **ROUTER)
    assert [turn.node for turn in plan.nodes] == ["n2", "n1", "n3", "n2", "n1"]
    assert [actions(turn)[0] for turn in plan.nodes[:3]] == ["hold", "hold", "pin"]


def test_a_holder_that_has_the_new_settings_already_is_not_pinned() -> None:
    observed = builders.healthy(builders.cluster())
    observed["n1"] = builders.healthy(builders.cluster(**ROUTER))["n1"]
    plan = planned(observed, **ROUTER)
    (holder,) = [turn for turn in plan.nodes if turn.node == "n1"]
    assert holder.coordinated
    assert actions(holder) in ([], ["write-record"])
