"""Given one node that is otherwise than it should be, expect these steps; is it drift?"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from hadeploy.desired import layout
from hadeploy.observe.observed_node import ObservedFile, VrrpState
from hadeploy.plan.diff import node_steps, record_step
from hadeploy.plan.steps import Impact, Step
from tests.unit import builders
from tests.unit.nodes import Node

CLUSTER = builders.cluster()
DESIRED = builders.desired(CLUSTER)["n2"]
HAPROXY, KEEPALIVED = DESIRED.containers
CONFIGURATION = "configuration"


def steps(look: Node, **inventory: Any) -> list[Step]:
    cluster = builders.cluster(**inventory)
    return node_steps(cluster, builders.desired(cluster)["n2"], look)


def n2() -> Node:
    return builders.node("n2", of=CLUSTER)


@pytest.mark.parametrize(
    ("bend", "action", "subject", "reason", "impact", "drift"),
    [
        # ---- containers
        (
            lambda n: n.with_container("haproxy", status="restarting"),
            *("recreate-container", "c-haproxy", "is restarting", Impact.RESTART, True),
        ),
        (
            lambda n: n.with_container("keepalived", status="dead"),
            *("recreate-container", "c-keepalived", "is dead", Impact.RESTART, True),
        ),
        (
            lambda n: n.with_(detached=frozenset({"haproxy"})),
            "recreate-container",
            "c-haproxy",
            "one of its folders was replaced on the node",
            Impact.RESTART,
            True,
        ),
        # ---- what runs is not what is there
        (
            lambda n: n.with_(serving="another"),
            "reload-container",
            "c-haproxy",
            "has not loaded its current files",
            Impact.RELOAD,
            True,
        ),
        (
            lambda n: n.with_(serving=None),
            "reload-container",
            "c-haproxy",
            "has not loaded its current files",
            Impact.RELOAD,
            True,
        ),
        (
            lambda n: n.with_(vrrp=VrrpState("BACKUP", 240, 240, "another")),
            "reload-container",
            "c-keepalived",
            "has not loaded its current files",
            Impact.RELOAD,
            True,
        ),
        (
            lambda n: n.in_state("MASTER"),
            "reload-container",
            "c-keepalived",
            f"is MASTER without {builders.VIP}",
            Impact.RELOAD,
            True,
        ),
    ],
)
def test_a_container_that_is_not_as_it_was_left(
    bend: Callable[[Node], Node],
    action: str,
    subject: str,
    reason: str,
    impact: Impact,
    drift: bool,
) -> None:
    (step,) = steps(bend(n2()))
    assert (step.action, step.subject, step.reason) == (action, subject, reason)
    assert (step.impact, step.drift) == (impact, drift)


def test_what_changed_in_a_specification_is_named() -> None:
    written, recreated = steps(n2(), haproxy={"maxconn": 900})
    assert written.action == "write-file"
    assert recreated.reason == "its specification changes (nofile, memory)"
    assert recreated.diff
    assert not recreated.drift


def test_a_container_changed_by_hand_is_drift() -> None:
    raw = builders.inspected(HAPROXY)
    # Engines report this in different ways.
    raw["HostConfig"]["Memory"] += 1
    raw["HostConfig"]["Privileged"] = True
    found = steps(n2().with_container("haproxy", raw=raw))
    assert [(s.reason, s.drift) for s in found] == [("changed on the node (privileged)", True)]


@pytest.mark.parametrize(
    "bend",
    [
        pytest.param(lambda n: n.with_(vrrp=None), id="keepalived does not answer"),
        pytest.param(lambda n: n.with_vip(), id="it is the master and has the VIP"),
        pytest.param(
            lambda n: n.with_(images={}).with_image(HAPROXY.image).with_image(KEEPALIVED.image),
            id="its images are there",
        ),
        pytest.param(lambda n: n.with_file("haproxy/other", "x"), id="a file of others"),
    ],
)
def test_what_is_right_is_not_touched(bend: Callable[[Node], Node]) -> None:
    assert steps(bend(n2())) == []


# ---- files


@pytest.mark.parametrize(
    ("mode", "owner", "reason"),
    [
        (0o600, "0:0", "is 0600 0:0, should be 0644 0:0"),
        (0o644, "1000:0", "is 0644 1000:0, should be 0644 0:0"),
    ],
)
def test_a_file_with_other_rights_is_written_again(mode: int, owner: str, reason: str) -> None:
    there = n2().file(layout.HAPROXY_CFG)
    assert there
    file = ObservedFile(there.path, mode, owner, there.content)
    look = n2().without_file(there.path)
    written, reloaded = steps(look.with_(files=(*look.files, file)))
    assert (written.action, written.reason, written.drift) == ("write-file", reason, True)
    assert reloaded.action == "reload-container"


def test_a_file_that_the_inventory_changes_is_no_drift() -> None:
    (written, *_) = steps(n2(), listeners=[{"balance": "roundrobin"}])
    assert (written.reason, written.drift) == ("content changes", False)
    assert any("roundrobin" in line for line in written.diff)


def test_a_file_that_no_record_lists_is_no_drift() -> None:
    look = n2().with_file(layout.HAPROXY_CFG, "edited\n").without_record()
    assert next((s.reason, s.drift) for s in steps(look)) == ("content changes", False)
    missing = n2().without_file(layout.HAPROXY_CFG).without_record()
    assert next((s.reason, s.drift) for s in steps(missing)) == ("missing", False)


def test_a_change_of_the_inventory_on_top_of_an_edit_is_drift() -> None:
    edited = n2().with_file(layout.HAPROXY_CFG, "edited\n")
    (written, *_) = steps(edited, listeners=[{"balance": "roundrobin"}])
    assert (written.reason, written.drift) == ("edited on the node", True)


@pytest.mark.parametrize(("recorded", "drift"), [(True, True), (False, False)])
@pytest.mark.parametrize("name", layout.DRAINS)
def test_a_track_file_that_is_missing_is_drift_where_something_was_applied(
    name: str, recorded: bool, drift: bool
) -> None:
    look = n2().without_file(f"track/{name}")
    (step,) = steps(look if recorded else look.without_record())
    assert (step.subject, step.reason, step.drift) == (f"track/{name}", "missing", drift)
    assert step.role is None


# ---- images


def test_the_source_of_an_image_is_shown() -> None:
    look = n2().with_(images={})
    found = [(s.subject, s.reason, s.role) for s in steps(look)]
    assert found == [
        (HAPROXY.image, "not on the node; pulled", "haproxy"),
        (KEEPALIVED.image, "not on the node; pulled", "keepalived"),
    ]
    archive = {"images": {"haproxy": {"archive": "images.tar"}}}
    assert steps(look, **archive)[0].reason == "not on the node; loaded from the archive"


# ---- containers of hadeploy under other names


def test_a_stopped_container_under_an_old_name_interrupts_no_client() -> None:
    look = n2().with_container("haproxy", name="former", status="exited")
    removed, created = steps(look)
    assert (removed.action, removed.subject, removed.impact) == (
        *("remove-container", "former"),
        Impact.NONE,
    )
    assert (removed.role, created.role) == ("haproxy", "haproxy")
    assert not created.drift, "it is there under its old name"


def test_each_container_under_an_old_name_is_replaced_by_that_of_its_role() -> None:
    look = n2().with_container("haproxy", name="former-haproxy")
    removed = steps(look.with_container("keepalived", name="former-keepalived"))[:2]
    assert [(s.subject, s.role) for s in removed] == [
        ("former-haproxy", "haproxy"),
        ("former-keepalived", "keepalived"),
    ]


def test_a_second_container_of_a_role_is_removed_for_good() -> None:
    former = builders.running(HAPROXY, 5000)
    former = dataclasses.replace(former, name="former", id="former")
    (removed,) = steps(n2().with_(containers=(*n2().containers, former)))
    assert (removed.action, removed.impact) == ("remove-container", Impact.RESTART)
    assert removed.role is None, "nothing takes its place"


def test_a_foreign_container_under_an_old_name_is_left_alone() -> None:
    foreign = dataclasses.replace(builders.running(HAPROXY, 5000), name="former", cluster="another")
    assert steps(n2().with_(containers=(*n2().containers, foreign))) == []


def test_what_is_kept_for_going_back_stays_until_the_record_is_written() -> None:
    kept = dataclasses.replace(
        builders.running(HAPROXY, 0), name=f"c-haproxy{layout.OLD}", status="exited"
    )
    look = n2().with_(containers=(*n2().containers, kept))
    assert steps(look) == []
    (record,) = record_step(DESIRED, look, None, changed=False)
    assert record.reason == "an interrupted run left a container"


# ---- the record


def recorded(look: Node, configuration: str | None, *, changed: bool = False) -> list[str]:
    """Why the record is written."""
    written = record_step(DESIRED, look, configuration, changed=changed)
    assert all(s.action == "write-record" and s.subject == layout.APPLIED for s in written)
    return [s.reason for s in written]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("vips", ()),
        ("interface", "eth1"),
        ("members", ("198.51.100.12",)),
        ("forgotten", ("198.51.100.14",)),
        ("files", {}),
        ("configuration", "another"),
    ],
)
def test_a_record_of_another_state_is_written_again(field: str, value: object) -> None:
    true = n2().with_record(configuration=CONFIGURATION)
    assert recorded(true, CONFIGURATION) == []
    untrue = true.with_record(**{field: value})
    assert recorded(untrue, CONFIGURATION) == ["does not match the node"]


def test_without_knowing_all_nodes_the_configuration_of_a_record_does_not_count() -> None:
    assert recorded(n2().with_record(configuration="another"), None) == []


def test_a_record_is_written_after_each_change_and_where_there_is_none() -> None:
    assert recorded(n2(), None, changed=True) == ["record what was applied"]
    assert recorded(n2().without_record(), None) == ["not written yet"]
