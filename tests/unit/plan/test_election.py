"""Which changes let a node win the VIP that reaches fewer backends than its holder."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from hadeploy.desired.roles import Role
from hadeploy.inventory.cluster import Cluster, backends_of
from hadeploy.observe.observed_node import BackendServer, Foreign
from hadeploy.plan.election import (
    Competitor,
    TakeoverProblem,
    elected,
    return_problem,
    takeover_problem,
    unfit_winner,
)
from hadeploy.plan.rolling import make_plan
from hadeploy.plan.steps import Plan
from hadeploy.plan.vip_moves import plan_problem, vip_moves, winning_step
from tests.unit import builders
from tests.unit.nodes import Node

SECTION = "kube-apiserver-backend"
PREEMPT: dict[str, Any] = {"vrrp": {"preempt": True}}
NEWER: dict[str, Any] = {"images": {"haproxy": {"reference": "haproxy:3.0.11"}}}
Bend = Callable[[dict[str, Node]], None]


def first_priority(node: str) -> dict[str, Any]:
    """The inventory in which that node has the highest priority."""
    nodes = [
        {
            "name": f"n{i}",
            "address": f"198.51.100.1{i}",
            "priority": 254 if node == f"n{i}" else 200 + i,
        }
        for i in (1, 2, 3)
    ]
    return {"nodes": nodes}


def observed(
    *, holder: str = "n2", cut: str = "n1", drained: str = "", **inventory: Any
) -> dict[str, Node]:
    """Healthy nodes; a firewall keeps one of them from all backends."""
    looks = builders.healthy(builders.cluster(**inventory), holder)
    down = tuple(
        BackendServer(SECTION, f"n{i}", "DOWN", "L4CON", "Connection refused") for i in (1, 2, 3)
    )
    looks[cut] = looks[cut].with_(backends=down)
    if drained:
        drain(looks, drained, "drain")
    return looks


def drain(looks: dict[str, Node], node: str, name: str) -> None:
    looks[node] = looks[node].with_track(name).in_state("FAULT")


def stopped(looks: dict[str, Node], *roles: Role) -> None:
    """Containers of n1 do not run."""
    looks["n1"] = looks["n1"].in_state("FAULT")
    for role in roles:
        looks["n1"] = looks["n1"].stopped(role)


def planned(looks: dict[str, Node], **inventory: Any) -> tuple[Cluster, Plan]:
    cluster = builders.cluster(**inventory)
    return cluster, make_plan(cluster, builders.desired(cluster), looks)


def winners(looks: dict[str, Node], **inventory: Any) -> list[tuple[str, str]]:
    """Each move of the VIP: the node whose turn causes it, and the one that has it then."""
    cluster, plan = planned(looks, **inventory)
    moves = vip_moves(cluster, builders.desired(cluster), looks, plan)
    return [(move.turn.node, move.winner) for move in moves]


def refusal(looks: dict[str, Node], **inventory: Any) -> str:
    cluster, plan = planned(looks, **inventory)
    problem = plan_problem(cluster, builders.desired(cluster), looks, plan)
    return problem.message if problem else ""


@pytest.mark.parametrize(
    ("competitors", "holder", "winner"),
    [
        pytest.param("n1 250 n2 240", "n2", "n2", id="without preempt the holder stays"),
        pytest.param("n1 250p n2 240", "n2", "n1", id="the better one preempts"),
        pytest.param("n1 250 n2 240p", "n2", "n2", id="the holder's own preempt does nothing"),
        pytest.param("n1 230p n2 240p", "n2", "n2", id="a worse one does not preempt"),
        pytest.param("n1 250 n3 230", "n2", "n1", id="the holder gave it up"),
        pytest.param("n1 250 n3 230", None, "n1", id="no holder"),
        pytest.param("", "n2", None, id="no node takes part"),
    ],
)
def test_who_is_elected(competitors: str, holder: str | None, winner: str | None) -> None:
    words = competitors.split()
    taking_part = {
        node: Competitor(int(priority.rstrip("p")), priority.endswith("p"))
        for node, priority in zip(words[::2], words[1::2], strict=True)
    }
    assert elected(taking_part, holder) == winner


@pytest.mark.parametrize(
    ("looks", "inventory", "moves"),
    [
        pytest.param(observed(), {}, [], id="no change"),
        pytest.param(observed(), {"haproxy": {"hard_stop_after": "9s"}}, [], id="reload"),
        pytest.param(observed(), PREEMPT, [("n1", "n1")], id="preempt is turned on"),
        pytest.param(
            observed(holder="n3", cut="n2"), PREEMPT, [("n1", "n1")], id="n2 is never the best"
        ),
        pytest.param(
            observed(holder="n1", cut="n3", **PREEMPT),
            {**PREEMPT, **first_priority("n3")},
            [("n3", "n3")],
            id="a priority is raised",
        ),
        pytest.param(
            observed(holder="n1", cut="n3"), first_priority("n3"), [], id="not without preempt"
        ),
        pytest.param(
            observed(holder="n3", cut="n1", **PREEMPT, **first_priority("n3")),
            PREEMPT,
            [("n3", "n1")],
            id="the holder's priority is lowered",
        ),
        pytest.param(observed(), NEWER, [("n2", "n1")], id="handover, and it stays there"),
        pytest.param(
            observed(holder="n1", cut="n2", **PREEMPT),
            {**PREEMPT, **NEWER},
            [("n1", "n2"), ("n1", "n1")],
            id="handover and failback",
        ),
        pytest.param(observed(drained="n1"), PREEMPT, [], id="drained"),
        pytest.param(
            observed(drained="n1"), NEWER, [("n2", "n3")], id="handover past a drained node"
        ),
    ],
)
def test_the_moves_of_the_vip_in_a_plan(
    looks: dict[str, Node], inventory: dict[str, Any], moves: list[tuple[str, str]]
) -> None:
    assert winners(looks, **inventory) == moves


@pytest.mark.parametrize(
    ("looks", "inventory", "winner"),
    [
        pytest.param(observed(), PREEMPT, "n1", id="preempt is turned on"),
        pytest.param(observed(cut="n3"), PREEMPT, "", id="the winner reaches all"),
        pytest.param(
            observed(holder="n1", cut="n3", **PREEMPT),
            {**PREEMPT, **first_priority("n3")},
            "n3",
            id="a priority is raised",
        ),
        pytest.param(observed(), NEWER, "n1", id="handover"),
        pytest.param(observed(drained="n1"), NEWER, "", id="handover past a drained node"),
        pytest.param(observed(drained="n1"), PREEMPT, "", id="drained"),
        pytest.param(observed(), {"haproxy": {"hard_stop_after": "9s"}}, "", id="reload"),
        pytest.param(
            observed(holder="n1", cut="n1", **PREEMPT),
            {**PREEMPT, **NEWER},
            "",
            id="the holder itself reaches nothing",
        ),
    ],
)
def test_a_plan_that_lets_the_wrong_node_win_is_refused(
    looks: dict[str, Node], inventory: dict[str, Any], winner: str
) -> None:
    reported = refusal(looks, **inventory)
    assert reported.startswith(f"{winner} would take over the VIP" if winner else ""), reported
    assert bool(reported) is bool(winner)


def test_the_refusal_names_backends_results_and_what_to_do() -> None:
    problem = unfit_winner(builders.cluster(), observed(), "n1", "n2")
    assert problem is not None
    assert problem.message.endswith(f"that n2 reaches ({SECTION}/n1 and 2 more)")
    assert problem.detail[0] == f"{SECTION}/n1: L4CON, Connection refused"
    assert "hadeploy drain n1" in problem.hint


@pytest.mark.parametrize(("down", "more"), [(1, ""), (2, " and 1 more"), (3, " and 2 more")])
def test_the_refusal_counts_the_backends(down: int, more: str) -> None:
    looks = observed()
    looks["n1"] = looks["n1"].with_(
        backends=tuple(
            dataclasses.replace(server, status="DOWN" if number < down else "UP")
            for number, server in enumerate(looks["n1"].backends)
        )
    )
    problem = unfit_winner(builders.cluster(), looks, "n1", "n2")
    assert problem is not None
    assert f"({SECTION}/n1{more})" in problem.message


def test_the_error_has_the_parts_of_the_problem() -> None:
    error = TakeoverProblem("why", "fix", ("one", "two")).error("planning", "n1")
    assert (error.message, error.hint, error.detail) == ("why", "fix", "one\ntwo")
    assert (error.node, error.operation) == ("n1", "planning")
    assert TakeoverProblem("why", "fix").error("planning").detail is None


def test_the_reason_names_the_address_of_a_backend() -> None:
    looks = observed()
    placed = tuple(
        dataclasses.replace(s, address=f"198.51.100.1{s.name[1:]}:6443")
        for s in looks["n1"].backends
    )
    looks["n1"] = looks["n1"].with_(backends=placed)
    problem = unfit_winner(builders.cluster(), looks, "n1", "n2")
    assert problem is not None
    assert problem.detail[0] == (f"{SECTION}/n1 at 198.51.100.11:6443: L4CON, Connection refused")


def test_a_backend_at_an_ipv6_address_is_needed() -> None:
    looks = observed()
    listeners = [{"port": 9443, "backends": [f"2001:db8::{i}" for i in (1, 2, 3)]}]
    cluster = builders.cluster(listeners=listeners)
    names = [name for name, *_ in backends_of(cluster, cluster.listeners[0])]
    placed = tuple(
        BackendServer(SECTION, name, "DOWN", "L4CON", address=f"[2001:db8::{i}]:6443")
        for i, name in enumerate(names, 1)
    )
    up = tuple(dataclasses.replace(server, status="UP") for server in placed)
    looks["n1"] = looks["n1"].with_(backends=placed)
    looks["n2"] = looks["n2"].with_(backends=up)
    assert unfit_winner(cluster, looks, "n1", "n2") is not None


def test_without_a_healthy_node_the_advice_is_to_look_at_the_others() -> None:
    looks = builders.healthy(builders.cluster(), "n2")
    for node in ("n1", "n3"):
        looks[node] = looks[node].in_state("FAULT").with_(serving=None)
    problem = takeover_problem(builders.cluster(), looks, "n2")
    assert problem is not None
    assert problem.message == "no healthy node could take over the VIP"
    assert "hadeploy verify" in problem.hint
    assert "hadeploy undrain" in problem.hint


def test_where_all_others_are_drained_a_handover_is_refused_before_anything_changes() -> None:
    looks = observed(drained="n1")
    drain(looks, "n3", "drain")
    assert "no healthy node could take over the VIP" in refusal(looks, **NEWER)
    assert refusal(looks, haproxy={"hard_stop_after": "9s"}) == ""


def test_where_no_other_node_runs_a_handover_is_refused_before_anything_changes() -> None:
    looks = builders.healthy(builders.cluster(), "n2")
    for node in ("n1", "n3"):
        looks[node] = builders.empty(node)
    # They start before the holder changes.
    assert refusal(looks, **NEWER) == ""
    del looks["n1"], looks["n3"]
    cluster = builders.cluster(**NEWER)
    desired = {"n2": builders.desired(cluster)["n2"]}
    both = {**looks, "n1": builders.empty("n1")}
    plan = make_plan(cluster, desired, both)
    problem = plan_problem(cluster, desired, both, plan)
    assert problem
    assert problem.message == "no healthy node could take over the VIP from n2"


def test_a_node_that_runs_may_be_well_again_when_the_holder_changes() -> None:
    looks = builders.healthy(builders.cluster(), "n2")
    for node in ("n1", "n3"):
        looks[node] = looks[node].in_state("FAULT").with_(serving=None)
    cluster = builders.cluster(**NEWER)
    desired = {"n2": builders.desired(cluster)["n2"]}
    assert plan_problem(cluster, desired, looks, make_plan(cluster, desired, looks)) is None


def test_a_backend_that_the_change_takes_away_or_moves_is_not_needed() -> None:
    looks = observed()
    moved = tuple(
        dataclasses.replace(s, address=f"203.0.113.{s.name[1:]}:6443") for s in looks["n1"].backends
    )
    looks["n1"] = looks["n1"].with_(backends=moved)
    assert unfit_winner(builders.cluster(), looks, "n1", "n2") is None
    kept = tuple(dataclasses.replace(s, address=f"198.51.100.1{s.name[1:]}:6443") for s in moved)
    looks["n1"] = looks["n1"].with_(backends=kept)
    assert unfit_winner(builders.cluster(), looks, "n1", "n2") is not None


@pytest.mark.parametrize("roles", [("haproxy",), ("keepalived",), ("haproxy", "keepalived")])
def test_a_better_node_that_was_down_is_held_until_it_is_proven(roles: tuple[Role, ...]) -> None:
    looks = builders.healthy(builders.cluster(**PREEMPT), "n2")
    stopped(looks, *roles)
    _, plan = planned(looks, **PREEMPT)
    actions = [step.action for step in plan.nodes[0].steps]
    started = ["start-container"] * len(roles)
    assert (plan.nodes[0].node, actions) == (
        "n1",
        ["hold", *started, "finish-handover", "write-record"],
    )
    assert winning_step(plan.nodes[0]) == actions.index("finish-handover")
    assert winners(looks, **PREEMPT) == [("n1", "n1")]


@pytest.mark.parametrize("role", ["haproxy", "keepalived"])
def test_a_node_that_joins_is_held_until_it_receives_adverts(role: Role) -> None:
    looks = builders.healthy(builders.cluster(), "n2")
    stopped(looks, role)
    steps = planned(looks)[1].nodes[0].steps
    actions = [step.action for step in steps]
    if role == "keepalived":
        assert actions == ["hold", "start-container", "finish-handover", "write-record"]
        assert steps[0].reason == "until this node receives the holder's adverts"
    else:
        assert actions == ["start-container", "write-record"], "its keepalived has been running"
    assert winners(looks) == []


def held_by_a_dead_run(looks: dict[str, Node]) -> None:
    drain(looks, "n1", "handover")


def test_a_node_drained_by_an_interrupted_run_does_not_win_the_vip() -> None:
    looks = observed(**PREEMPT)
    held_by_a_dead_run(looks)
    assert winners(looks, **PREEMPT) == [("n1", "n1")]
    assert refusal(looks, **PREEMPT).startswith("n1 would take over the VIP")


@pytest.mark.parametrize(
    ("inventory", "cut", "node", "refused"),
    [
        pytest.param(PREEMPT, "n1", "n1", True, id="it would win"),
        pytest.param(PREEMPT, "n3", "n3", False, id="it would not win"),
        pytest.param(PREEMPT, "n3", "n1", False, id="it reaches all"),
        pytest.param({}, "n1", "n1", False, id="without preempt it does not win"),
    ],
)
def test_undrain(inventory: dict[str, Any], cut: str, node: str, refused: bool) -> None:
    looks = observed(cut=cut, drained=node, **inventory)
    problem = return_problem(builders.cluster(**inventory), looks, node)
    assert (problem is not None) is refused
    if problem:
        assert "stays drained" in problem.hint


def test_two_holders_or_none_are_not_reported() -> None:
    looks = builders.healthy(builders.cluster(), "nobody")
    assert winners(looks, **PREEMPT) == []
    assert refusal(looks, **PREEMPT) == ""
    assert return_problem(builders.cluster(**PREEMPT), looks, "n1") is None


def test_a_former_node_that_holds_the_vip_is_compared_with_those_that_stay() -> None:
    looks = observed(holder="n3", cut="n1")
    problem = takeover_problem(builders.cluster(), looks, "n3")
    assert problem is not None
    assert problem.message.startswith("n1 would take over the VIP")


def test_the_successor_of_a_classic_holder_is_compared_with_the_other_nodes() -> None:
    looks = observed(holder="n2", cut="n1")
    by_hand = Foreign("haproxy", looks["n2"].containers[0], "", b"", {})
    looks["n2"] = looks["n2"].with_(containers=(), serving=None, backends=(), foreign=(by_hand,))
    problem = takeover_problem(builders.cluster(), looks, "n2")
    assert problem is not None
    assert "n1 would take over the VIP but does not reach backends that n3" in problem.message
