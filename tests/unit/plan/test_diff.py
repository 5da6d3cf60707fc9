"""Given these observations, expect these steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hadeploy.observe.applied import Applied
from hadeploy.plan.diff import node_steps
from hadeploy.plan.rolling import make_plan
from hadeploy.plan.steps import Impact
from tests.unit import builders
from tests.unit.nodes import Node

Bend = Callable[[Node], Node]


def bent(label: str, bend: Bend, **inventory: Any) -> list[tuple[str, str, str, Impact]]:
    """The steps of the one changed node of a healthy cluster; the others must get none."""
    cluster = builders.cluster(**inventory)
    observed = builders.healthy(cluster)
    observed[label] = bend(observed[label])
    plan = make_plan(cluster, builders.desired(cluster), observed)
    for node in plan.nodes:
        assert node.node == label or not node.steps
    (mine,) = [node for node in plan.nodes if node.node == label]
    return [(s.action, s.subject, s.reason, s.impact) for s in mine.steps]


RECORD = ("write-record", "applied.json", "record what was applied", Impact.NONE)


def test_a_healthy_cluster_gets_no_steps() -> None:
    cluster = builders.cluster()
    plan = make_plan(cluster, builders.desired(cluster), builders.healthy(cluster))
    assert plan.changes == 0
    assert [node.node for node in plan.nodes] == ["n2", "n3", "n1"]


def test_an_empty_node_gets_everything_in_order() -> None:
    steps = bent("n2", lambda _: builders.empty("n2"))
    assert [action for action, *_ in steps] == [
        "hold",
        "load-image",
        "load-image",
        "write-file",
        "write-file",
        "write-file",
        "create-container",
        "write-file",
        "write-file",
        "create-container",
        "finish-handover",
        "write-record",
    ]
    assert all(impact is Impact.NONE for *_, impact in steps)


BACK = ("finish-handover", "the VIP", "the VIP stays on its new node", Impact.NONE)

CASES: list[Any] = [
    pytest.param(
        "n2",
        lambda n: n.with_file("haproxy/haproxy.cfg", "edited\n", 0o644),
        [
            ("write-file", "haproxy/haproxy.cfg", "edited on the node", Impact.NONE),
            ("reload-container", "c-haproxy", "its files change", Impact.RELOAD),
            RECORD,
        ],
        id="a file edited by hand is put back, and read again",
    ),
    pytest.param(
        "n2",
        lambda n: n.without_file("keepalived/check-haproxy.sh"),
        [
            ("write-file", "keepalived/check-haproxy.sh", "missing", Impact.NONE),
            RECORD,
        ],
        id="a deleted check script comes back, and needs no reload",
    ),
    pytest.param(
        "n2",
        lambda n: n.without_file("track/drain"),
        [("write-file", "track/drain", "missing", Impact.NONE), RECORD],
        id="a deleted track file comes back",
    ),
    pytest.param(
        "n3",
        lambda n: n.with_container("haproxy", status="paused"),
        [("start-container", "c-haproxy", "is paused", Impact.NONE), RECORD],
        id="a paused container goes on",
    ),
    pytest.param(
        "n3",
        lambda n: n.with_(applied=Applied(("198.51.100.99",), "eth0", "me", "then", "0", {})),
        [("write-record", "applied.json", "does not match the node", Impact.NONE)],
        id="a record that a dead run left behind is mended",
    ),
    pytest.param(
        "n1",
        lambda n: n.with_container("haproxy", name="old-name"),
        [
            (
                "handover",
                "the VIP",
                "before the remove container of old-name",
                Impact.HANDOVER,
            ),
            (
                "remove-container",
                "old-name",
                "has the label of this cluster and an old name",
                Impact.RESTART,
            ),
            ("create-container", "c-haproxy", "missing", Impact.NONE),
            BACK,
            RECORD,
        ],
        id="a renamed haproxy on the holder",
    ),
    pytest.param(
        "n1",
        lambda n: n.with_(serving="0000000000000000"),
        [
            (
                "reload-container",
                "c-haproxy",
                "has not loaded its current files",
                Impact.RELOAD,
            ),
            RECORD,
        ],
        id="a run that died between swap and reload is finished",
    ),
    pytest.param(
        "n2",
        lambda n: n.with_container("haproxy", restarts=3, started=n.now - 1.0).with_(
            serving="0000000000000000"
        ),
        [
            (
                "reload-container",
                "c-haproxy",
                "has not loaded its current files",
                Impact.RELOAD,
            ),
            RECORD,
        ],
        id="a haproxy that was restarted and answers is reloaded",
    ),
    pytest.param(
        "n2",
        lambda n: n.with_container("haproxy", restarts=3, started=n.now - 1.0).with_(serving=None),
        [("recreate-container", "c-haproxy", "is restarting", Impact.RESTART), RECORD],
        id="a haproxy in a restart loop that runs at this moment is made anew",
    ),
    pytest.param(
        "n3",
        lambda n: n.with_container("haproxy", status="exited"),
        [("start-container", "c-haproxy", "is exited", Impact.NONE), RECORD],
        id="a stopped container is started, not recreated",
    ),
    pytest.param(
        "n3",
        lambda n: n.with_container("haproxy", spec="old"),
        [
            (
                "recreate-container",
                "c-haproxy",
                "its specification changes (its notation)",
                Impact.RESTART,
            ),
            RECORD,
        ],
        id="another specification recreates",
    ),
    pytest.param(
        "n1",
        lambda n: n.with_container("keepalived", spec="old"),
        [
            (
                "handover",
                "the VIP",
                "before the recreate container of c-keepalived",
                Impact.HANDOVER,
            ),
            (
                "recreate-container",
                "c-keepalived",
                "its specification changes (its notation)",
                Impact.RESTART,
            ),
            BACK,
            RECORD,
        ],
        id="on the holder a recreate moves the VIP",
    ),
    pytest.param(
        "n2",
        lambda n: n.with_(images={**n.images, "haproxy:3.2.21": "sha256:new"}),
        [
            (
                "recreate-container",
                "c-haproxy",
                "haproxy:3.2.21 is another image now",
                Impact.RESTART,
            ),
            RECORD,
        ],
        id="the same tag on another image recreates",
    ),
    pytest.param(
        "n2",
        lambda n: n.with_container("keepalived", name="old-name"),
        [
            (
                "remove-container",
                "old-name",
                "has the label of this cluster and an old name",
                Impact.RESTART,
            ),
            ("create-container", "c-keepalived", "missing", Impact.NONE),
            RECORD,
        ],
        id="a container of ours under an old name goes before the new one comes",
    ),
    pytest.param(
        "n3",
        lambda n: n.with_file("track/handover", "1\n", 0o644),
        [("finish-handover", "the VIP", "left by an interrupted run", Impact.NONE), RECORD],
        id="a handover that a dead run left is ended",
    ),
    pytest.param(
        "n2",
        lambda n: n.without_record(),
        [("write-record", "applied.json", "not written yet", Impact.NONE)],
        id="a lost record is written again",
    ),
]


@pytest.mark.parametrize(("label", "bend", "steps"), CASES)
def test_a_bent_node_gets_the_smallest_sufficient_steps(
    label: str, bend: Bend, steps: list[tuple[str, str, str, Impact]]
) -> None:
    assert bent(label, bend) == steps


DRIFTED = {
    "is restarting",
    "edited on the node",
    "is paused",
    "is exited",
    "has not loaded its current files",
}


@pytest.mark.parametrize(("label", "bend", "steps"), CASES)
def test_what_was_changed_on_a_node_is_drift_and_what_the_inventory_changes_is_not(
    label: str, bend: Bend, steps: list[tuple[str, str, str, Impact]]
) -> None:
    cluster = builders.cluster()
    observed = builders.healthy(cluster)
    observed[label] = bend(observed[label])
    plan = make_plan(cluster, builders.desired(cluster), observed)
    drift = {(s.subject, s.reason) for node in plan.nodes for s in node.steps if s.drift}
    # A file that is missing was there; a container under an old name still is.
    renamed = any(action == "remove-container" for action, *_ in steps)
    assert drift == {
        (subject, reason)
        for _, subject, reason, _ in steps
        if reason in DRIFTED or (reason == "missing" and not renamed)
    }


def test_a_container_that_was_removed_is_drift_unless_nothing_was_ever_applied() -> None:
    cluster = builders.cluster()
    observed = builders.healthy(cluster)
    observed["n2"] = observed["n2"].with_(containers=observed["n2"].containers[1:])
    observed["n3"] = builders.empty("n3")
    plan = make_plan(cluster, builders.desired(cluster), observed)
    drift = [(node.node, s.action) for node in plan.nodes for s in node.steps if s.drift]
    assert drift == [("n2", "create-container")]


@pytest.mark.parametrize(
    ("recorded", "reason", "drift"),
    [
        ("as-it-is", "its specification changes (its notation)", False),
        ("as-it-was", "recreated on the node (its notation)", True),
    ],
)
def test_a_container_that_is_not_what_was_applied_was_made_by_hand(
    recorded: str, reason: str, drift: bool
) -> None:
    cluster = builders.cluster()
    observed = builders.healthy(cluster)
    look = observed["n2"].with_container("haproxy", spec="as-it-is")
    observed["n2"] = look.with_record(containers={"c-haproxy": recorded})
    (step, _) = make_plan(cluster, builders.desired(cluster), observed).nodes[0].steps
    assert (step.action, step.reason, step.drift) == ("recreate-container", reason, drift)


def test_a_single_node_has_no_node_to_hand_over_to() -> None:
    cluster = builders.cluster(nodes=[{"name": "n1", "address": "198.51.100.11"}])
    observed = builders.healthy(cluster)
    observed["n1"] = observed["n1"].with_container("haproxy", spec="old")
    (node,) = make_plan(cluster, builders.desired(cluster), observed).nodes
    assert [(s.action, s.impact) for s in node.steps] == [
        ("recreate-container", Impact.OUTAGE),
        ("write-record", Impact.NONE),
    ]


def test_a_reload_on_the_holder_needs_no_handover() -> None:
    steps = bent("n1", lambda n: n.with_file("haproxy/haproxy.cfg", "edited", 0o644))
    assert "handover" not in {action for action, *_ in steps}


def test_a_master_that_lost_one_of_its_vips_is_reloaded() -> None:
    cluster = builders.cluster(vip=[builders.VIP, "2001:db8::100"])
    desired, observed = builders.desired(cluster), builders.healthy(cluster)
    (step,) = (s for s in node_steps(cluster, desired["n1"], observed["n1"]) if s.role)
    assert (step.action, step.reason) == (
        "reload-container",
        "is MASTER without 2001:db8::100",
    )
    assert (step.impact, step.drift) == (Impact.RELOAD, True)
    assert node_steps(cluster, desired["n2"], observed["n2"]) == []
