"""When the holder hands the VIP over, and when a node is held until it is proven."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hadeploy.plan.rolling import VIP_MOVES, make_plan
from hadeploy.plan.steps import Impact, NodePlan
from tests.unit import builders
from tests.unit.nodes import Node

RECREATES = builders.cluster(haproxy={"maxconn": 900})


def turn_of(label: str, bend: Callable[[Node], Node]) -> NodePlan:
    """The turn of one node that is otherwise than healthy, where haproxy is recreated."""
    observed = builders.healthy(builders.cluster())
    observed[label] = bend(observed[label])
    plan = make_plan(RECREATES, builders.desired(RECREATES), observed)
    (turn,) = [turn for turn in plan.nodes if turn.node == label]
    return turn


def moves(turn: NodePlan) -> list[str]:
    """What is done about the VIP."""
    return [step.action for step in turn.steps if step.subject == "the VIP"]


@pytest.mark.parametrize(
    ("label", "bend", "expected"),
    [
        pytest.param("n1", lambda n: n, ["handover", "finish-handover"], id="the holder"),
        pytest.param("n2", lambda n: n, [], id="a backup"),
        pytest.param(
            "n1", lambda n: n.with_(vrrp=None), [], id="the holder without keepalived: no handover"
        ),
        pytest.param(
            "n2",
            lambda n: n.with_track("handover").in_state("FAULT"),
            ["finish-handover"],
            id="a backup that a dead run left held",
        ),
        pytest.param(
            "n2",
            lambda n: n.with_track("drain").in_state("FAULT"),
            [],
            id="a backup that the operator drained",
        ),
        pytest.param(
            "n2",
            lambda n: n.in_state("FAULT"),
            [],
            id="a backup in FAULT, whose priority does not win",
        ),
    ],
)
def test_what_is_done_about_the_vip(
    label: str, bend: Callable[[Node], Node], expected: list[str]
) -> None:
    assert moves(turn_of(label, bend)) == expected


def test_a_backup_that_takes_part_again_is_held_until_it_receives_adverts() -> None:
    turn = turn_of("n2", lambda n: n.without_container("keepalived"))
    assert moves(turn) == ["hold", "finish-handover"]
    assert turn.steps[0].reason == "until this node receives the holder's adverts"
    assert turn.steps[-2].action == "finish-handover"


def test_a_better_node_that_would_win_is_held_until_it_reaches_the_backends() -> None:
    before = builders.cluster(vrrp={"preempt": True})
    observed = builders.healthy(before, "n2")
    observed["n1"] = observed["n1"].without_container("keepalived")
    plan = make_plan(before, builders.desired(before), observed)
    (turn,) = [turn for turn in plan.nodes if turn.steps]
    assert (turn.node, moves(turn)) == ("n1", ["hold", "finish-handover"])
    assert turn.steps[0].reason == "until this node reaches the backends"


def test_a_node_in_fault_that_has_everything_is_not_held() -> None:
    before = builders.cluster(vrrp={"preempt": True})
    observed = builders.healthy(before, "n2")
    observed["n1"] = observed["n1"].in_state("FAULT")
    assert make_plan(before, builders.desired(before), observed).changes == 0


def test_the_handover_comes_right_before_what_interrupts() -> None:
    steps = turn_of("n1", lambda n: n).steps
    impacts = [step.impact for step in steps]
    handover = impacts.index(Impact.HANDOVER)
    assert impacts[handover + 1] is Impact.RESTART
    assert [step.action for step in steps[:handover]] == ["write-file"]
    assert steps[handover].reason == "before the recreate container of c-haproxy"


@pytest.mark.parametrize(
    ("preempt", "reason"), [(True, "the VIP may return"), (False, "the VIP stays on its new node")]
)
def test_the_output_names_the_failback_of_the_vip(preempt: bool, reason: str) -> None:
    before = builders.cluster(vrrp={"preempt": preempt})
    after = builders.cluster(vrrp={"preempt": preempt}, haproxy={"maxconn": 900})
    plan = make_plan(after, builders.desired(after), builders.healthy(before))
    assert [s.reason for s in plan.nodes[-1].steps if s.action == "finish-handover"] == [reason]


@pytest.mark.parametrize("label", ["n1", "n2"])
def test_the_plan_of_a_node_marks_a_drained_node(label: str) -> None:
    assert not turn_of(label, lambda n: n).drained
    assert turn_of(label, lambda n: n.with_track("drain")).drained


def test_removed_ports_of_one_node_are_a_warning() -> None:
    before = builders.cluster(
        templates={"extra": {"defaults": "listen own\n    bind 198.51.100.12:9999\n"}}
    )
    after = builders.cluster()
    plan = make_plan(after, builders.desired(after), builders.healthy(before))
    assert any("9999" in warning for warning in plan.warnings)


def test_that_the_vip_moves_is_a_warning_of_plans_that_move_it() -> None:
    healthy = builders.healthy(builders.cluster())
    moves_it = make_plan(RECREATES, builders.desired(RECREATES), healthy)
    reloads = builders.cluster(listeners=[{"balance": "roundrobin"}])
    assert moves_it.warnings == (VIP_MOVES,)
    assert make_plan(reloads, builders.desired(reloads), healthy).warnings == ()
