"""Who gets the lock, and what is done with one that another run has left."""

from __future__ import annotations

import subprocess

import pytest

from hadeploy.errors import ExitCode, HadeployError
from hadeploy.rollout.lock import Lock, break_lock, holders, take
from hadeploy.rollout.process import identity_of, this_process
from hadeploy.rollout.reply_errors import LockedError
from tests.unit import builders
from tests.unit.rollout.fake_scripts import Fault
from tests.unit.rollout.rollouts import RELOAD

pytestmark = pytest.mark.usefixtures("fake_time")

EVERYWHERE = "n1 n2 n3"


@pytest.fixture(scope="module")
def dead() -> str:
    """The identity of a process of this machine that has ended."""
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as process:
        identity = identity_of(process.pid)
    assert identity
    return identity


@pytest.mark.parametrize("where", ["n1", "n2", "n1 n3", EVERYWHERE])
def test_the_lock_of_a_dead_run_is_inherited(dead: str, where: str) -> None:
    rolled = RELOAD.roll_out(locked_on=where, locked_by=dead)
    assert rolled.error is None
    assert sorted(rolled.sent("inherit lock")) == [f"{n} inherit lock" for n in where.split()]
    assert rolled.locked() == []


def test_a_dead_run_whose_script_still_works_is_waited_for(dead: str) -> None:
    occupied = Fault("n1", "inherit lock", "script-running")
    rolled = RELOAD.roll_out(occupied, locked_on=EVERYWHERE, locked_by=dead)
    assert isinstance(rolled.error, LockedError)
    assert rolled.failure.message == "a script of an earlier run is still running there"


def test_of_two_runs_that_inherit_one_gets_the_lock(dead: str) -> None:
    locked = Fault("n1", "inherit lock", "locked")
    rolled = RELOAD.roll_out(locked, locked_on=EVERYWHERE, locked_by=dead)
    assert isinstance(rolled.error, LockedError)
    assert rolled.sent("stage") == ["n1 stage"]


@pytest.mark.parametrize("process", ["", "another:machine:1:1", "nonsense"])
def test_the_lock_of_a_run_that_may_live_is_left(process: str) -> None:
    rolled = RELOAD.roll_out(locked_on="n1", locked_by=process)
    assert isinstance(rolled.error, LockedError)
    assert not rolled.error.ending
    assert rolled.sent("inherit lock") == []
    assert rolled.locked() == ["n1"]


def test_the_lock_of_this_very_process_is_not_that_of_a_dead_one() -> None:
    rolled = RELOAD.roll_out(locked_on="n1", locked_by=this_process())
    assert isinstance(rolled.error, LockedError)
    assert rolled.failure.code is ExitCode.LOCKED


def test_a_node_that_gives_no_lock_is_named_with_all_the_others() -> None:
    cluster = RELOAD.nodes()
    cluster.faults = [Fault("n2", "take lock", "cut-off"), Fault("n3", "take lock", "nothing")]
    with pytest.raises(HadeployError) as caught:
        take(Lock("c", "up"), cluster.sessions)
    assert "n2: taking the lock: the connection was lost" in str(caught.value)
    assert "n3: taking the lock: cannot parse the node's answer" in str(caught.value)


def test_without_the_first_node_no_other_is_asked() -> None:
    cluster = RELOAD.nodes()
    cluster.faults = [Fault("n1", "take lock", "cut-off")]
    with pytest.raises(HadeployError, match="n1: taking the lock"):
        take(Lock("c", "up"), cluster.sessions)
    assert cluster.sent == ["n1 take lock"]


def test_the_lock_of_another_run_is_reported_before_a_lost_node() -> None:
    cluster = RELOAD.nodes()
    cluster.nodes["n3"].lock = "another"
    cluster.faults = [Fault("n2", "take lock", "cut-off")]
    with pytest.raises(LockedError, match="n3: taking the lock: locked by them@there"):
        take(Lock("c", "up"), cluster.sessions)


def test_unlock_removes_what_it_can_and_names_the_other_nodes() -> None:
    cluster = RELOAD.nodes()
    cluster.faults = [
        Fault("n1", "lock_remove", "cut-off"),
        Fault("n2", "lock_remove", "unwritable"),
    ]
    errors = break_lock(builders.cluster(), cluster.sessions)
    assert [error.node for error in errors] == ["n1", "n2"]
    assert sorted(cluster.sent) == ["n1 lock_remove", "n2 lock_remove", "n3 lock_remove"]


def test_the_lock_owner_is_reported_for_the_reachable_nodes() -> None:
    cluster = RELOAD.nodes()
    cluster.nodes["n2"].lock = "another"
    cluster.faults = [Fault("n3", "lock_report", "cut-off")]
    found, errors = holders(builders.cluster(), cluster.sessions)
    assert found == {"n2": "them@there for `up`, 7 s ago; expires in 90 s unless it is renewed"}
    assert [error.node for error in errors] == ["n3"]
