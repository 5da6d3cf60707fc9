"""A first bring-up that fails: all nodes change at the same time, and nothing serves yet."""

from __future__ import annotations

import pytest

from hadeploy.errors import ExitCode, HadeployError
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.rolling import make_plan
from hadeploy.rollout.interrupt import Interrupt
from hadeploy.rollout.lock import Lock
from hadeploy.rollout.node_outcome import NodeOutcome, RolloutError
from hadeploy.rollout.prepare import Prepared
from hadeploy.rollout.rollout import Rollout
from hadeploy.rollout.rollout_state import RolloutState
from tests.unit import builders
from tests.unit.rollout.fake_scripts import Fault
from tests.unit.rollout.rollouts import FIRST, quiet

pytestmark = pytest.mark.usefixtures("fake_time")

NODES = ("n1", "n2", "n3")
CHANGED = [f"{node} change" for node in NODES]


@pytest.mark.parametrize(
    "node",
    [
        "n2",
        pytest.param("n1", marks=pytest.mark.exhaustive),
        pytest.param("n3", marks=pytest.mark.exhaustive),
    ],
)
@pytest.mark.parametrize(
    ("at", "how", "has"),
    [
        pytest.param("prove_haproxy", "fails", "partial-first", id="not proven"),
        pytest.param("record", "fails", "partial-first", id="not recorded"),
        pytest.param("prove_keepalived", "fenced", "partial", id="too late half-way"),
        pytest.param("change", "fenced", "untouched", id="too late"),
        pytest.param("change", "changed", "untouched", id="changed by others"),
        pytest.param("change", "cut-off", "unknown", id="cut off before it began"),
        pytest.param("change", "cut-off-begun", "unknown", id="cut off, finishes by itself"),
        pytest.param("recreate", "cut-off", "unknown", id="cut off half-way"),
        pytest.param("change", "nonsense", "unknown", id="no sense in its answer"),
    ],
)
def test_the_others_finish(node: str, at: str, how: str, has: str) -> None:
    rolled = FIRST.roll_out(Fault(node, at, how))
    assert rolled.outcomes == ", ".join(f"{n} {has if n == node else 'new'}" for n in NODES)
    assert sorted(rolled.sent()) == CHANGED
    assert rolled.failure.node == node
    assert rolled.untrue() == []
    assert rolled.locked() == []


def test_failures_of_several_nodes_are_reported_together() -> None:
    rolled = FIRST.roll_out(Fault("n1", "prove_haproxy"), Fault("n3", "change", "cut-off"))
    assert rolled.outcomes == "n1 partial-first, n2 new, n3 unknown"
    assert rolled.failure.message == "2 nodes failed"
    reported = (rolled.failure.detail or "").splitlines()
    assert "n1: failed while proving c-haproxy" in reported
    assert any(line.startswith("n3: the connection was lost") for line in reported)


@pytest.mark.parametrize("node", NODES)
def test_ctrl_c_lets_all_nodes_finish(node: str) -> None:
    rolled = FIRST.roll_out(Fault(node, "recreate", "ctrl-c"))
    assert rolled.outcomes == "n1 new, n2 new, n3 new"
    assert rolled.failure.code is ExitCode.INTERRUPTED
    assert sorted(rolled.sent()) == CHANGED


def test_ctrl_c_before_the_first_step_reports_that_nothing_changed() -> None:
    cluster = builders.cluster()
    observed: dict[str, ObservedNode] = {node: builders.empty(node) for node in NODES}
    desired = builders.desired(cluster)
    prepared = Prepared(cluster, observed, desired, make_plan(cluster, desired, observed))
    sessions = FIRST.nodes().sessions
    staged = dict.fromkeys(NODES, "")
    rollout = Rollout(RolloutState(prepared, Lock("c", "up"), staged, sessions, quiet()))
    interrupt = Interrupt("")
    interrupt.asked = True
    with pytest.raises(HadeployError) as caught:
        rollout.run(list(prepared.plan.nodes), interrupt)
    assert isinstance(caught.value, RolloutError)
    assert set(caught.value.nodes.values()) == {NodeOutcome.UNTOUCHED}
