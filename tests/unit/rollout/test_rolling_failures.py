"""A rolling change that fails: who has what, for each node and each kind of failure.

The order is n2, n3 (backups), n1 (the holder). At every failure the nodes before it keep the new
configuration, those after it are not touched, and the VIP stays on a node.
"""

from __future__ import annotations

import pytest

from hadeploy.errors import ExitCode
from hadeploy.rollout.reply_errors import LockedError, RefusedError, StaleError
from tests.unit.rollout.fake_nodes import FakeCluster
from tests.unit.rollout.fake_scripts import Fault
from tests.unit.rollout.rollouts import COORDINATED, FIRST, RECREATE, RELOAD, Change, Rollout

pytestmark = pytest.mark.usefixtures("fake_time")

ORDER = ("n2", "n3", "n1")
PLACES = [
    pytest.param(0, id="first backup"),
    pytest.param(1, id="second backup"),
    pytest.param(2, id="holder"),
]
ROLLING = [pytest.param(RELOAD, id="reload"), pytest.param(RECREATE, id="recreate")]
PLACES_OF_EACH = [
    pytest.param(RELOAD, 1, id="second backup, reload"),
    pytest.param(RECREATE, 2, id="holder, recreate"),
    pytest.param(RELOAD, 0, id="first backup, reload", marks=pytest.mark.exhaustive),
    pytest.param(RECREATE, 0, id="first backup, recreate", marks=pytest.mark.exhaustive),
    pytest.param(RECREATE, 1, id="second backup, recreate", marks=pytest.mark.exhaustive),
    pytest.param(RELOAD, 2, id="holder, reload", marks=pytest.mark.exhaustive),
]


def stopped_at(place: int, has: str) -> str:
    """Who has what when the node at that place of the order has this."""
    outcomes = {
        node: "new" if number < place else has if number == place else "untouched"
        for number, node in enumerate(ORDER)
    }
    return ", ".join(f"{node} {outcomes[node]}" for node in sorted(outcomes))


def check_rest(rolled: Rollout, place: int) -> None:
    """What holds after each failure of a rolling change."""
    assert rolled.sent("change") == [f"{node} change" for node in ORDER[: place + 1]]
    assert rolled.untrue() == []
    assert rolled.cluster.holder
    assert rolled.locked() == []


@pytest.mark.parametrize(("change", "place"), PLACES_OF_EACH)
@pytest.mark.parametrize(
    ("at", "how", "has"),
    [
        # A step fails: the node itself puts back what it had.
        pytest.param("prove_haproxy", "fails", "restored", id="not proven"),
        pytest.param("record", "fails", "restored", id="not recorded"),
        pytest.param(
            "prove_haproxy", "fails, unrestored", "partial", id="not proven, not put back"
        ),
        pytest.param(
            "record", "fails, restored-off", "restored-off", id="put back, unfit for the VIP"
        ),
        # The script may not begin: nothing was done.
        pytest.param("change", "fenced", "untouched", id="too late"),
        pytest.param("change", "changed", "untouched", id="changed by others"),
        pytest.param("change", "script-running", "untouched", id="an earlier script still works"),
        pytest.param("change", "unwritable", "untouched", id="no room for the lock"),
        # The lock is lost between two steps: nothing may be put back either.
        pytest.param("prove_haproxy", "fenced", "partial", id="too late half-way"),
        # The answer is lost: the script continues, or the node has restarted.
        pytest.param("change", "cut-off", "unknown", id="cut off before it began"),
        pytest.param("change", "cut-off-begun", "unknown", id="cut off, finishes by itself"),
        pytest.param("prove_haproxy", "cut-off", "unknown", id="cut off half-way"),
        pytest.param("change", "nonsense", "unknown", id="no sense in its answer"),
    ],
)
def test_nodes_before_it_have_the_change_and_nodes_after_it_are_untouched(
    change: Change, place: int, at: str, how: str, has: str
) -> None:
    rolled = change.roll_out(Fault(ORDER[place], at, how))
    assert rolled.outcomes == stopped_at(place, has)
    assert rolled.failure.node == ORDER[place]
    check_rest(rolled, place)


@pytest.mark.parametrize("place", PLACES)
def test_on_a_first_bring_up_of_that_node_there_is_nothing_to_put_back(place: int) -> None:
    def without_undo(cluster: FakeCluster, node: str, script: str) -> None:
        cluster.nodes[node].never_applied = True

    fault = Fault(ORDER[place], "prove_haproxy")
    rolled = RELOAD.roll_out(fault, on_script=without_undo)
    assert rolled.outcomes == stopped_at(place, "partial-first")
    check_rest(rolled, place)


@pytest.mark.parametrize(
    ("says", "kind", "code"),
    [
        ("fenced", RefusedError, ExitCode.FAILED),
        ("changed", StaleError, ExitCode.FAILED),
        ("vip-moved", StaleError, ExitCode.FAILED),
        ("unwritable", RefusedError, ExitCode.FAILED),
        ("script-running", LockedError, ExitCode.LOCKED),
    ],
)
def test_why_a_script_did_not_begin_is_the_cause(
    says: str, kind: type[RefusedError], code: ExitCode
) -> None:
    rolled = RELOAD.roll_out(Fault("n3", "change", says))
    assert type(rolled.cause) is kind
    assert rolled.failure.code is code
    assert rolled.failure.hint


def test_a_backup_that_has_got_the_vip_meanwhile_is_not_restarted() -> None:
    def moves(cluster: FakeCluster, node: str, script: str) -> None:
        if (node, script) == ("n3", "change"):
            cluster.holder = "n3"

    rolled = RECREATE.roll_out(on_script=moves)
    assert isinstance(rolled.cause, StaleError)
    assert rolled.outcomes == "n1 untouched, n2 new, n3 untouched"
    assert rolled.cluster.holder == "n3"


def test_a_backup_that_has_got_the_vip_meanwhile_is_reloaded_all_the_same() -> None:
    def moves(cluster: FakeCluster, node: str, script: str) -> None:
        if (node, script) == ("n3", "change"):
            cluster.holder = "n3"

    assert RELOAD.roll_out(on_script=moves).error is None


@pytest.mark.parametrize(("change", "place"), PLACES_OF_EACH)
@pytest.mark.parametrize("at", ["change", "swap", "prove_haproxy", "record"])
def test_ctrl_c_finishes_the_current_node(change: Change, place: int, at: str) -> None:
    if at == "swap" and change is RECREATE:
        at = "recreate"
    rolled = change.roll_out(Fault(ORDER[place], at, "ctrl-c"))
    assert rolled.outcomes == stopped_at(place, "new")
    assert rolled.failure.code is ExitCode.INTERRUPTED
    check_rest(rolled, place)


@pytest.mark.parametrize("place", PLACES)
def test_ctrl_c_and_a_failure_of_the_same_node_report_the_failure(place: int) -> None:
    node = ORDER[place]
    rolled = RELOAD.roll_out(Fault(node, "swap", "ctrl-c"), Fault(node, "prove_haproxy"))
    assert rolled.outcomes == stopped_at(place, "restored")
    assert rolled.failure.code is ExitCode.FAILED


@pytest.mark.parametrize(
    "change",
    [*ROLLING, pytest.param(COORDINATED, id="coordinated"), pytest.param(FIRST, id="parallel")],
)
def test_a_second_ctrl_c_stops_waiting_and_releases_the_lock(change: Change) -> None:
    rolled = change.roll_out(Fault("n2", "change", "ctrl-c"), impatient=True)
    assert isinstance(rolled.error, KeyboardInterrupt)
    released = sorted(s for s in rolled.cluster.sent if s.endswith(" release"))
    assert released == ["n1 release", "n2 release", "n3 release"]
    assert rolled.locked() == []
