"""What fails before the first change: no node is touched, and the lock is given back."""

from __future__ import annotations

import pytest

from hadeploy.errors import ExitCode, NodesError
from hadeploy.rollout.node_outcome import RolloutError
from hadeploy.rollout.reply_errors import LockedError, StaleError
from tests.unit.rollout.fake_scripts import Fault
from tests.unit.rollout.rollouts import COORDINATED, FIRST, RECREATE, RELOAD, Change, Rollout

pytestmark = pytest.mark.usefixtures("fake_time")

NODES = ("n1", "n2", "n3")
CHANGES = [
    pytest.param(RELOAD, id="rolling"),
    pytest.param(FIRST, id="parallel"),
    pytest.param(COORDINATED, id="coordinated"),
]
NODES_OF_EACH = [
    pytest.param(
        change,
        node,
        id=f"{node}-{name}",
        marks=[] if node == often else pytest.mark.exhaustive,
    )
    for change, name, often in (
        (RELOAD, "rolling", "n2"),
        (FIRST, "parallel", "n1"),
        (COORDINATED, "coordinated", "n3"),
    )
    for node in NODES
]


def untouched(rolled: Rollout) -> bool:
    """Whether no node was changed, and none is still locked by this run."""
    nodes = rolled.cluster.nodes.values()
    return not rolled.sent() and {one.has for one in nodes} == {"old"} and not rolled.locked()


@pytest.mark.parametrize(("change", "node"), NODES_OF_EACH)
@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("refused", "haproxy refuses the new configuration"),
        ("failed", "staging the files failed"),
        ("changed", "the node no longer matches the plan"),
        ("fenced", "this run no longer holds its lock"),
        ("unwritable", "the lock cannot be written"),
        ("script-running", "a script of an earlier run is still running there"),
        ("cut-off", "the connection was lost"),
        ("nonsense", "cannot parse the node's answer"),
        ("nothing", "cannot parse the node's answer"),
    ],
)
def test_no_node_is_changed_when_one_cannot_be_staged(
    change: Change, node: str, how: str, message: str
) -> None:
    rolled = change.roll_out(Fault(node, "stage", how))
    assert not isinstance(rolled.error, RolloutError)
    assert isinstance(rolled.error, NodesError | LockedError)
    assert f"{node}: " in str(rolled.error)
    assert message in str(rolled.error)
    assert untouched(rolled)
    assert sorted(rolled.sent("clean up")) == [f"{n} clean up" for n in NODES]
    assert sorted(rolled.sent("release")) == [f"{n} release" for n in NODES]


def test_refusals_of_several_nodes_are_reported_for_each() -> None:
    rolled = RELOAD.roll_out(Fault("n2", "stage", "refused"), Fault("n3", "stage", "changed"))
    assert isinstance(rolled.error, NodesError)
    assert [one.node for one in rolled.error.errors] == ["n2", "n3"]


def test_a_change_since_the_plan_is_reported_and_the_run_can_plan_again() -> None:
    rolled = RELOAD.roll_out(Fault("n2", "stage", "changed"))
    assert isinstance(rolled.error, NodesError)
    assert [type(one) for one in rolled.error.errors] == [StaleError]


@pytest.mark.parametrize(
    ("node", "staged"),
    [
        # The first node decides: who does not get it asks no other.
        ("n1", ["n1"]),
        ("n2", ["n1", "n2", "n3"]),
        ("n3", ["n1", "n2", "n3"]),
    ],
)
@pytest.mark.parametrize("change", CHANGES)
def test_another_run_has_the_lock(change: Change, node: str, staged: list[str]) -> None:
    rolled = change.roll_out(locked_on=node)
    assert isinstance(rolled.error, LockedError)
    assert rolled.failure.code is ExitCode.LOCKED
    assert str(rolled.error) == (
        f"{node}: taking the lock: locked by them@there for `up`, 7 s ago; "
        "expires in 90 s unless it is renewed"
    )
    assert sorted(rolled.sent("stage")) == [f"{n} stage" for n in staged]
    assert rolled.sent() == []
    assert rolled.locked() == [node], "the other run keeps it"


PULLS = Change({"images": {"haproxy": {"reference": "haproxy:9.9"}}}, lacking="n2 n3")
PULLED = ["n2 pull", "n3 pull"]


def test_images_are_brought_under_the_lock_and_before_anything_is_staged() -> None:
    rolled = PULLS.roll_out()
    assert rolled.error is None
    sent = rolled.cluster.sent
    assert sorted(sent[:3]) == [f"{n} take lock" for n in NODES]
    assert sorted(sent[3:5]) == PULLED
    assert sorted(sent[5:8]) == [f"{n} stage" for n in NODES]


@pytest.mark.parametrize("how", ["failed", "cut-off"])
def test_nothing_is_staged_where_an_image_is_not_brought(how: str) -> None:
    rolled = PULLS.roll_out(Fault("n3", "pull", how))
    assert isinstance(rolled.error, NodesError)
    assert [one.node for one in rolled.error.errors] == ["n3"]
    assert sorted(rolled.sent("pull")) == PULLED
    assert rolled.sent("stage") == []
    assert untouched(rolled)


@pytest.mark.parametrize("node", NODES)
def test_nothing_is_brought_while_another_run_has_the_lock(node: str) -> None:
    rolled = PULLS.roll_out(locked_on=node)
    assert isinstance(rolled.error, LockedError)
    assert rolled.sent("pull") == []
    assert rolled.locked() == [node]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("node", NODES)
def test_ctrl_c_while_files_are_staged_ends_the_run_at_once(change: Change, node: str) -> None:
    rolled = change.roll_out(Fault(node, "stage", "ctrl-c"))
    assert isinstance(rolled.error, KeyboardInterrupt)
    assert rolled.sent() == []
    assert sorted(rolled.sent("release")) == [f"{n} release" for n in NODES]


@pytest.mark.parametrize("change", [*CHANGES, pytest.param(RECREATE, id="recreate")])
@pytest.mark.parametrize("node", NODES)
def test_a_node_that_is_lost_after_the_last_change_leaves_all_with_the_change(
    change: Change, node: str
) -> None:
    rolled = change.roll_out(Fault(node, "settle", "cut-off"))
    assert rolled.outcomes == "n1 new, n2 new, n3 new"
    assert rolled.failure.code is ExitCode.FAILED, "something was changed"
    assert rolled.untrue() == []
    assert sorted(rolled.sent("release")) == [f"{n} release" for n in NODES]
