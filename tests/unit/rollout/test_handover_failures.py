"""The VIP moves during a rollout: what keeps it from moving, and what happens when that fails."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from hadeploy.answers.answer import Answer
from hadeploy.rollout.lost_backends import (
    BackendsDiedError,
    BackendsLostError,
    ServiceLostError,
    UnfitForTakeoverError,
)
from hadeploy.rollout.node_outcome import NotTakenOverError
from tests.unit import builders
from tests.unit.builders import VIP
from tests.unit.nodes import Node
from tests.unit.rollout.fake_nodes import FakeCluster
from tests.unit.rollout.fake_scripts import Fault
from tests.unit.rollout.rollouts import (
    RECREATE,
    RELOAD,
    SERVER,
    Change,
    backends_down,
    from_then_on,
)

pytestmark = pytest.mark.usefixtures("fake_time")

BACKUPS = ["n2 change", "n3 change"]
ALL = [*BACKUPS, "n1 change"]
PORT = builders.cluster().listeners[0].port


def without_haproxy(look: Node) -> Node:
    return look.without_container("haproxy")


def drained(look: Node) -> Node:
    return look.with_track("drain").in_state("FAULT")


# ---- before the VIP leaves the holder


@pytest.mark.parametrize(
    ("looks", "message"),
    [
        pytest.param(without_haproxy, "no healthy node could take over the VIP", id="no haproxy"),
        pytest.param(drained, "no healthy node could take over the VIP", id="drained"),
        pytest.param(backends_down, "does not reach backends that n1 reaches", id="no backends"),
    ],
)
def test_the_holder_is_not_touched_without_a_node_to_take_the_vip(
    looks: Callable[[Node], Node], message: str
) -> None:
    rolled = RECREATE.roll_out(on_script=from_then_on("n3", "change", looks, "n2", "n3"))
    assert rolled.sent() == BACKUPS
    assert rolled.outcomes == "n1 untouched, n2 new, n3 new"
    assert message in rolled.failure.message
    assert rolled.failure.message.endswith("so the holder is not changed")
    assert rolled.cluster.holder == "n1"


def test_one_node_that_can_take_the_vip_is_enough() -> None:
    rolled = RECREATE.roll_out(on_script=from_then_on("n3", "change", without_haproxy, "n2"))
    assert rolled.error is None
    assert rolled.sent() == ALL


def test_a_node_that_cannot_be_observed_keeps_the_holder_from_being_touched() -> None:
    def lost(cluster: FakeCluster, label: str, name: str) -> None:
        if (label, name) == ("n3", "change"):
            cluster.faults.append(Fault("n2", "look", "cut-off"))

    rolled = RECREATE.roll_out(on_script=lost)
    assert rolled.sent() == BACKUPS
    assert rolled.outcomes == "n1 untouched, n2 new, n3 new"


# ---- the VIP has left the holder, and no client is answered on it


def test_nodes_that_get_the_vip_and_do_not_answer_are_kept_off_it_until_it_is_back() -> None:
    rolled = RECREATE.roll_out(Fault("n1", "hand_over"))
    assert isinstance(rolled.cause, NotTakenOverError)
    assert rolled.sent() == [*ALL, "n2 keep off"]
    assert rolled.outcomes == "n1 restored, n2 kept-off, n3 new"
    assert "n2 got the VIP and did not answer on it" in (rolled.failure.detail or "")
    assert rolled.cluster.holder == "n1"
    assert rolled.untrue() == []


@pytest.mark.parametrize(
    ("how", "has"),
    [
        pytest.param("fails, restored-off", "restored-off", id="kept off"),
        pytest.param("fails, unrestored", "partial", id="not put back"),
    ],
)
def test_no_node_is_kept_off_the_vip_while_it_cannot_come_back(how: str, has: str) -> None:
    rolled = RECREATE.roll_out(Fault("n1", "hand_over", how))
    assert rolled.sent() == ALL
    assert rolled.outcomes == f"n1 {has}, n2 new, n3 new"
    assert rolled.cluster.holder == "n2"


def test_no_node_is_kept_off_the_vip_while_the_former_holder_is_in_fault() -> None:
    def faulty(cluster: FakeCluster, label: str, name: str) -> None:
        if (label, name) == ("n1", "change"):
            cluster.nodes["n1"].in_fault = True

    rolled = RECREATE.roll_out(Fault("n1", "hand_over"), on_script=faulty)
    assert rolled.sent() == ALL
    assert rolled.outcomes == "n1 restored, n2 new, n3 new"
    assert rolled.cluster.holder == "n2"


def test_once_it_takes_part_again_the_vip_comes_back() -> None:
    looks = itertools.count()

    def recovers(cluster: FakeCluster, label: str, name: str) -> None:
        if (label, name) == ("n1", "change"):
            cluster.nodes["n1"].in_fault = True
        elif "n1 change" in cluster.sent and (label, name) == ("n1", "look") and next(looks) == 3:
            cluster.nodes["n1"].in_fault = False

    rolled = RECREATE.roll_out(Fault("n1", "hand_over"), on_script=recovers)
    assert rolled.sent() == [*ALL, "n2 keep off"]
    assert rolled.outcomes == "n1 restored, n2 kept-off, n3 new"
    assert rolled.cluster.holder == "n1"


def test_where_it_does_not_come_back_each_node_that_gets_it_is_kept_off_it() -> None:
    def worse(cluster: FakeCluster, label: str, name: str) -> None:
        cluster.priorities = {"n1": 100, "n2": 200, "n3": 150}

    rolled = RECREATE.roll_out(Fault("n1", "hand_over"), on_script=worse)
    assert rolled.sent() == [*ALL, "n2 keep off", "n3 keep off"]
    assert rolled.outcomes == "n1 restored, n2 kept-off, n3 kept-off"
    assert rolled.cluster.holder == "n1"


@pytest.mark.parametrize("how", ["fenced", "cut-off", "changed"])
def test_a_node_that_cannot_be_kept_off_keeps_what_it_has(how: str) -> None:
    kept_off = [Fault("n2", "keep off", how)]
    rolled = RECREATE.roll_out(Fault("n1", "hand_over"), *kept_off)
    assert rolled.outcomes.startswith("n1 restored, n2 ")
    assert rolled.untrue() == []


def test_the_nodes_are_left_alone_where_they_cannot_be_observed() -> None:
    def lost(cluster: FakeCluster, label: str, name: str) -> None:
        if (label, name) == ("n1", "change"):
            cluster.faults.append(Fault("n3", "look", "cut-off"))

    rolled = RECREATE.roll_out(Fault("n1", "hand_over"), on_script=lost)
    assert rolled.sent() == ALL
    assert rolled.outcomes == "n1 restored, n2 new, n3 new"


# ---- the VIP has left the holder, and clients are answered otherwise


def test_where_another_answer_comes_from_the_changed_nodes_they_are_kept_off_the_vip() -> None:
    rolled = RECREATE.roll_out(Fault("n1", "hand_over", lost=f":{PORT}@{VIP}=tls=closed"))
    assert isinstance(rolled.cause, ServiceLostError)
    assert rolled.outcomes == "n1 restored, n2 kept-off, n3 kept-off"
    assert rolled.sent() == [*ALL, "n2 keep off", "n3 keep off"]
    assert rolled.cluster.holder == "n1"
    assert rolled.untrue() == []


def test_of_the_changed_nodes_one_that_is_lost_stays_as_it_is() -> None:
    rolled = RECREATE.roll_out(
        Fault("n1", "hand_over", lost=f":{PORT}@{VIP}=tls=closed"),
        Fault("n2", "keep off", "cut-off"),
    )
    assert rolled.outcomes == "n1 restored, n2 new, n3 kept-off"


def test_they_keep_the_vip_where_the_holder_could_not_be_put_back() -> None:
    rolled = RECREATE.roll_out(
        Fault("n1", "hand_over", "fails, unrestored", lost=f":{PORT}@{VIP}=tls=closed")
    )
    assert rolled.outcomes == "n1 partial, n2 new, n3 new"
    assert rolled.cluster.holder == "n2"


@pytest.mark.parametrize(
    ("address", "outcomes"),
    [
        pytest.param(VIP, "n1 restored, n2 kept-off, n3 kept-off", id="on the VIP"),
        pytest.param("198.51.100.11", "n1 restored, n2 new, n3 new", id="on its own address"),
    ],
)
def test_a_reload_of_the_holder_after_which_clients_are_answered_otherwise(
    address: str, outcomes: str
) -> None:
    rolled = RELOAD.roll_out(Fault("n1", "backends", lost=f":{PORT}@{address}=tls=closed"))
    assert type(rolled.cause) is BackendsLostError
    assert rolled.outcomes == outcomes


# ---- with preemption the VIP returns


PREEMPT: Mapping[str, Any] = {"vrrp": {"preempt": True}}
RECREATE_PREEMPT = Change({"haproxy": {"maxconn": 900}}, always=PREEMPT)


def test_with_preemption_the_vip_is_handed_back_to_the_better_node() -> None:
    rolled = RECREATE_PREEMPT.roll_out()
    assert rolled.error is None
    assert rolled.sent() == [*ALL, "n2 hand back"]
    assert rolled.cluster.holder == "n1"


@pytest.mark.parametrize("how", ["fenced", "cut-off", "changed"])
def test_the_vip_returns_by_election_where_it_cannot_be_handed_back(how: str) -> None:
    rolled = RECREATE_PREEMPT.roll_out(Fault("n2", "hand back", how))
    assert rolled.error is None
    assert rolled.sent() == [*ALL, "n2 hand back"]


def test_it_is_not_handed_back_to_a_node_that_reaches_fewer_backends() -> None:
    rolled = RECREATE_PREEMPT.roll_out(on_script=from_then_on("n1", "change", backends_down))
    assert rolled.error is None
    assert rolled.sent() == ALL


# ---- a change of priorities by which another node wins the VIP


def priorities(n1: int, n2: int, n3: int) -> Change:
    """Other priorities than 250, 240 and 230, with preemption."""
    wanted = {"n1": n1, "n2": n2, "n3": n3}
    addresses = {label: f"198.51.100.1{label[1:]}" for label in wanted}
    nodes = [
        {"name": label, "address": addresses[label], "priority": priority}
        for label, priority in wanted.items()
    ]
    return Change({"nodes": nodes}, always=PREEMPT)


# n2 wins when n1, which holds the VIP, reads its new file.
LOWERS_N1 = priorities(100, 200, 150)
# n2 wins when it reads its own new file.
RAISES_N2 = priorities(250, 254, 230)


def n2_wins(
    *, then: Callable[[Node], Node] = lambda look: look
) -> Callable[[FakeCluster, str, str], None]:
    """keepalived elects n2 once n1 has read its file; from then on n2 is observed otherwise."""

    def on_script(cluster: FakeCluster, label: str, name: str) -> None:
        one = cluster.nodes["n1"]
        if name == "look" and one.has != "old" and cluster.holder == "n1":
            cluster.holder = "n2"
            one = cluster.nodes["n2"]
            one.looks = {has: then(look) for has, look in one.looks.items()}

    return on_script


def answered_otherwise(look: Node) -> Node:
    return look.with_(vip_answers={target: Answer("closed") for target in look.vip_answers})


def test_the_change_of_the_holder_is_recorded_once_the_winner_is_seen_to_have_the_vip() -> None:
    rolled = LOWERS_N1.roll_out(on_script=n2_wins())
    assert rolled.error is None
    assert rolled.sent() == [*ALL, "n1 let go"]
    assert rolled.cluster.holder == "n2"


def test_a_node_that_does_not_win_within_an_election_is_no_failure() -> None:
    rolled = LOWERS_N1.roll_out()
    assert rolled.error is None
    assert rolled.sent() == [*ALL, "n1 hand back", "n1 let go"]


@pytest.mark.parametrize(
    ("then", "message"),
    [
        pytest.param(backends_down, "does not reach backends that n1 reaches", id="backends"),
        pytest.param(
            answered_otherwise, "clients do not get the same answers as before", id="answers"
        ),
    ],
)
def test_the_holder_goes_back_where_the_winner_must_not_keep_the_vip(
    then: Callable[[Node], Node], message: str
) -> None:
    rolled = LOWERS_N1.roll_out(on_script=n2_wins(then=then))
    assert message in rolled.failure.message
    assert rolled.sent() == [*ALL, "n1 put back"]
    assert rolled.outcomes == "n1 restored, n2 new, n3 new"


def test_the_holder_is_not_changed_where_the_winner_has_lost_its_backends() -> None:
    rolled = LOWERS_N1.roll_out(on_script=from_then_on("n3", "change", backends_down, "n2"))
    assert rolled.sent() == BACKUPS
    assert rolled.outcomes == "n1 untouched, n2 new, n3 new"
    assert rolled.failure.node == "n1"


def test_a_node_that_would_win_and_does_not_reach_the_backends_goes_back() -> None:
    rolled = RAISES_N2.roll_out(Fault("n2", "takeover", lost=SERVER))
    assert isinstance(rolled.cause, UnfitForTakeoverError)
    assert rolled.outcomes == "n1 untouched, n2 restored, n3 untouched"
    assert rolled.failure.message.startswith("it would take the VIP and does not reach backends")


def test_nothing_is_its_fault_where_no_other_node_reaches_them_either() -> None:
    rolled = RAISES_N2.roll_out(
        Fault("n2", "takeover", lost=SERVER),
        on_script=from_then_on("n2", "change", backends_down, "n1", "n3"),
    )
    assert isinstance(rolled.cause, BackendsDiedError)
    assert rolled.outcomes == "n1 untouched, n2 restored, n3 untouched"
