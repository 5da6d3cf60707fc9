"""A change of all nodes together that fails: who has what.

The backups n2 and n3 are held back and change; then the holder n1 changes; then n2 and n3 are let
go. Until the holder has changed everything goes back; from then on everything goes on.
"""

from __future__ import annotations

import dataclasses

import pytest

from hadeploy.errors import ExitCode
from hadeploy.rollout.rollout import KEEPING
from tests.unit.nodes import Node
from tests.unit.rollout.fake_nodes import FakeCluster
from tests.unit.rollout.fake_scripts import Fault
from tests.unit.rollout.rollouts import COORDINATED, from_then_on

pytestmark = pytest.mark.usefixtures("fake_time")

BOTH = ["n3", "n2"]
RENEWED = ["n1 renew lock", "n2 renew lock", "n3 renew lock"]


def test_in_which_order_all_nodes_change_together() -> None:
    rolled = COORDINATED.roll_out()
    assert rolled.error is None
    assert rolled.sent() == ["n2 change", "n3 change", "n1 change", "n2 let go", "n3 let go"]
    assert sorted(rolled.sent("renew lock")) == RENEWED
    assert rolled.cluster.holder == "n1"


@pytest.mark.parametrize(
    ("node", "at", "how", "outcomes", "sent"),
    [
        # ---- a backup fails while it is held back: it and those before it go back
        ("n2", "hold", "fails", "n1 untouched, n2 restored, n3 untouched", []),
        ("n2", "prove_keepalived", "fails", "n1 untouched, n2 restored, n3 untouched", []),
        ("n2", "swap", "fails, unrestored", "n1 untouched, n2 partial, n3 untouched", []),
        ("n2", "change", "fenced", "n1 untouched, n2 untouched, n3 untouched", []),
        ("n2", "change", "changed", "n1 untouched, n2 untouched, n3 untouched", []),
        ("n2", "change", "cut-off", "n1 untouched, n2 unknown, n3 untouched", []),
        ("n2", "change", "cut-off-begun", "n1 untouched, n2 unknown, n3 untouched", []),
        ("n2", "change", "nonsense", "n1 untouched, n2 unknown, n3 untouched", []),
        ("n3", "hold", "fails", "n1 untouched, n2 restored, n3 restored", ["n2"]),
        ("n3", "swap", "fails, unrestored", "n1 untouched, n2 restored, n3 partial", ["n2"]),
        ("n3", "change", "fenced", "n1 untouched, n2 restored, n3 untouched", ["n2"]),
        ("n3", "change", "cut-off-begun", "n1 untouched, n2 restored, n3 unknown", ["n2"]),
        ("n3", "signal", "cut-off", "n1 untouched, n2 restored, n3 unknown", ["n2"]),
        # ---- the holder fails: the backups go back, the last one first
        ("n1", "pin_and_proxy", "fails", "n1 restored, n2 restored, n3 restored", BOTH),
        ("n1", "signal", "fails", "n1 restored, n2 restored, n3 restored", BOTH),
        ("n1", "unpin_when_master", "fails", "n1 restored, n2 restored, n3 restored", BOTH),
        (
            "n1",
            "pin_and_proxy",
            "fails, restored-off",
            "n1 restored-off, n2 restored, n3 restored",
            BOTH,
        ),
        ("n1", "signal", "fenced", "n1 partial, n2 restored, n3 restored", BOTH),
        ("n1", "change", "fenced", "n1 untouched, n2 restored, n3 restored", BOTH),
        ("n1", "change", "changed", "n1 untouched, n2 restored, n3 restored", BOTH),
        # ---- unless it has changed, or may have: then they stay held back
        ("n1", "record", "fails, unrestored", "n1 partial, n2 held, n3 held", []),
        ("n1", "unpin_when_master", "fenced", "n1 partial, n2 held, n3 held", []),
        ("n1", "record", "fenced", "n1 partial, n2 held, n3 held", []),
        ("n1", "change", "cut-off", "n1 unknown, n2 held, n3 held", []),
        ("n1", "change", "cut-off-begun", "n1 unknown, n2 held, n3 held", []),
        ("n1", "signal", "cut-off", "n1 unknown, n2 held, n3 held", []),
        ("n1", "change", "nonsense", "n1 unknown, n2 held, n3 held", []),
    ],
)
def test_before_the_holder_has_changed_everything_goes_back(
    node: str, at: str, how: str, outcomes: str, sent: list[str]
) -> None:
    rolled = COORDINATED.roll_out(Fault(node, at, how))
    assert rolled.outcomes == outcomes
    assert rolled.sent("put back") == [f"{one} put back" for one in sent]
    assert rolled.sent("let go") == []
    assert rolled.cluster.holder == ("n3" if "n1 restored-off" in outcomes else "n1")
    assert rolled.cluster.masters() == 1
    assert rolled.untrue() == []
    assert rolled.locked() == []


def faulty(cluster: FakeCluster, label: str, name: str) -> None:
    """The holder's check of haproxy fails from its change on."""
    if (label, name) == ("n1", "change"):
        cluster.put_in_fault("n1")


CHANGED_FAULTY = Fault("n1", "record", "fails, unrestored")


def test_a_holder_in_fault_that_does_not_go_back_is_kept_off_and_the_vip_is_with_the_backups() -> (
    None
):
    rolled = COORDINATED.roll_out(CHANGED_FAULTY, on_script=faulty)
    assert rolled.outcomes == "n1 kept-off, n2 restored, n3 restored"
    assert rolled.sent("keep off", "put back") == ["n1 keep off", "n3 put back", "n2 put back"]
    assert rolled.cluster.holder == "n3"
    assert rolled.untrue() == []
    # Its check succeeds again: with the new settings it would receive no adverts.
    rolled.cluster.nodes["n1"].in_fault = False
    assert rolled.cluster.masters() == 1


@pytest.mark.parametrize("how", ["fenced", "cut-off", "changed"])
def test_the_backups_stay_held_where_a_holder_in_fault_cannot_be_kept_off(how: str) -> None:
    rolled = COORDINATED.roll_out(CHANGED_FAULTY, Fault("n1", "keep off", how), on_script=faulty)
    assert rolled.outcomes == "n1 partial, n2 held, n3 held"
    assert rolled.sent("put back") == []
    assert rolled.untrue() == []


def test_the_backups_stay_held_where_the_holder_cannot_be_observed() -> None:
    rolled = COORDINATED.roll_out(
        Fault("n1", "unpin_when_master", "fenced"), Fault("n1", "look", "cut-off")
    )
    assert rolled.outcomes == "n1 partial, n2 held, n3 held"
    assert rolled.cluster.masters() == 1


def test_the_backups_stay_held_where_the_configuration_of_the_holder_is_unknown() -> None:
    def silent(look: Node) -> Node:
        return look.with_(vrrp=look.vrrp and dataclasses.replace(look.vrrp, config_id=""))

    rolled = COORDINATED.roll_out(
        Fault("n1", "unpin_when_master", "fenced"), on_script=from_then_on("n1", "change", silent)
    )
    assert rolled.outcomes == "n1 partial, n2 held, n3 held"


@pytest.mark.parametrize(
    ("at", "how", "n2"),
    [
        ("finish_handover", "fails", "kept-off"),
        ("record", "fails", "kept-off"),
        ("let go", "fenced", "held"),
        ("let go", "changed", "held"),
        ("let go", "cut-off", "unknown"),
        ("let go", "cut-off-begun", "unknown"),
        ("record", "cut-off", "unknown"),
        ("let go", "nonsense", "unknown"),
    ],
)
def test_once_the_holder_has_changed_the_others_are_still_released(
    at: str, how: str, n2: str
) -> None:
    rolled = COORDINATED.roll_out(Fault("n2", at, how))
    assert rolled.outcomes == f"n1 new, n2 {n2}, n3 new"
    assert rolled.sent("put back") == []
    assert rolled.sent("let go") == ["n2 let go", "n3 let go"]
    assert rolled.failure.node == "n2"
    assert rolled.untrue() == []


def test_when_two_nodes_are_not_released_the_first_failure_is_the_cause() -> None:
    rolled = COORDINATED.roll_out(
        Fault("n2", "finish_handover"), Fault("n3", "let go", "cut-off-begun")
    )
    assert rolled.outcomes == "n1 new, n2 kept-off, n3 unknown"
    assert rolled.failure.node == "n2"


@pytest.mark.parametrize("node", ["n1", "n2", "n3"])
@pytest.mark.parametrize(
    ("how", "restored"),
    [("fenced", "partial"), ("cut-off", "restored"), ("unwritable", "restored")],
)
def test_the_holder_does_not_change_unless_every_lock_could_be_renewed(
    node: str, how: str, restored: str
) -> None:
    rolled = COORDINATED.roll_out(Fault(node, "renew lock", how))
    has = {"n1": "untouched", "n2": "restored", "n3": "restored"}
    if node != "n1":
        has[node] = restored
    assert rolled.outcomes == ", ".join(f"{n} {outcome}" for n, outcome in has.items())
    assert rolled.failure.operation == KEEPING
    assert "n1 change" not in rolled.sent()


def test_locks_that_cannot_be_renewed_on_two_nodes_are_reported_for_both() -> None:
    rolled = COORDINATED.roll_out(
        Fault("n2", "renew lock", "cut-off"), Fault("n3", "renew lock", "unwritable")
    )
    assert rolled.failure.message == "2 nodes failed"
    reported = (rolled.failure.detail or "").splitlines()
    assert reported[0].startswith("n2: the connection was lost")
    assert "n3: the lock cannot be written to /run/hadeploy" in reported


@pytest.mark.parametrize(
    ("at", "how", "n3"),
    [
        ("put back", "fenced", "partial"),
        ("put back", "changed", "partial"),
        ("put back", "cut-off", "partial"),
        ("restoring", "fails, unrestored", "partial"),
        ("restoring", "fails, restored-off", "restored-off"),
    ],
)
def test_one_that_cannot_be_put_back_does_not_keep_the_others_from_it(
    at: str, how: str, n3: str
) -> None:
    first = "unpin_when_master" if at == "put back" else "change"
    rolled = COORDINATED.roll_out(
        Fault("n1", first, "fails" if first == "unpin_when_master" else "changed"),
        Fault("n3", at, how),
    )
    n1 = "restored" if first == "unpin_when_master" else "untouched"
    assert rolled.outcomes == f"n1 {n1}, n2 restored, n3 {n3}"
    assert rolled.sent("put back") == ["n3 put back", "n2 put back"]


@pytest.mark.parametrize(
    ("node", "at", "outcomes"),
    [
        ("n2", "hold", "n1 untouched, n2 restored, n3 untouched"),
        ("n2", "prove_keepalived", "n1 untouched, n2 restored, n3 untouched"),
        ("n3", "swap", "n1 untouched, n2 restored, n3 restored"),
        ("n1", "renew lock", "n1 new, n2 new, n3 new"),
        ("n1", "pin_and_proxy", "n1 new, n2 new, n3 new"),
        ("n1", "record", "n1 new, n2 new, n3 new"),
        ("n2", "let go", "n1 new, n2 new, n3 new"),
        ("n3", "record", "n1 new, n2 new, n3 new"),
    ],
)
def test_ctrl_c_takes_back_what_the_holder_does_not_have_yet_and_finishes_the_rest(
    node: str, at: str, outcomes: str
) -> None:
    rolled = COORDINATED.roll_out(Fault(node, at, "ctrl-c"))
    assert rolled.outcomes == outcomes
    assert rolled.failure.code is ExitCode.INTERRUPTED
    assert rolled.untrue() == []
    assert rolled.locked() == []


def test_ctrl_c_while_nodes_are_released_does_not_hide_that_one_is_not() -> None:
    rolled = COORDINATED.roll_out(
        Fault("n2", "finish_handover"), Fault("n3", "finish_handover", "ctrl-c")
    )
    assert rolled.outcomes == "n1 new, n2 kept-off, n3 new"
    assert rolled.failure.code is ExitCode.FAILED
