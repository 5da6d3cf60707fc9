"""What a teardown removes, and what it leaves."""

from __future__ import annotations

import dataclasses

import pytest

from hadeploy.observe.applied import Applied
from hadeploy.observe.observed_node import Address, ObservedFile
from hadeploy.plan.down import (
    handover_vips,
    leaving_plan,
    leftovers,
    make_down_plan,
    other_files,
    ours_to_remove,
)
from hadeploy.rollout.down import down_script
from hadeploy.rollout.lock import Lock
from tests.unit import builders


def test_the_holder_is_last() -> None:
    cluster = builders.cluster()
    plan = make_down_plan(cluster, builders.healthy(cluster, holder="n2"))
    assert [node.node for node in plan.nodes] == ["n1", "n3", "n2"]


def test_of_the_nodes_that_leave_the_holder_is_the_last() -> None:
    observed = builders.healthy(builders.cluster(), holder="n1")
    leaving = {node: observed[node] for node in ("n1", "n2")}
    plan = leaving_plan(builders.cluster(), leaving, {"n3": observed["n3"]})
    assert [(turn.node, turn.steps[0].action) for turn in plan.nodes] == [
        ("n2", "remove-container"),
        ("n1", "handover"),
    ]


NEW_VIP = "198.51.100.101"


@pytest.mark.parametrize(
    ("inventory", "recorded", "handed_over"),
    [
        pytest.param(NEW_VIP, NEW_VIP, [], id="only the leaving node has it"),
        pytest.param(NEW_VIP, builders.VIP, [builders.VIP], id="it changes in the same run"),
        pytest.param(builders.VIP, NEW_VIP, [builders.VIP], id="the inventory has it"),
        pytest.param(NEW_VIP, None, [builders.VIP], id="those that stay are new"),
    ],
)
def test_a_departing_node_hands_over_only_what_another_node_can_take(
    inventory: str, recorded: str | None, handed_over: list[str]
) -> None:
    observed = builders.healthy(builders.cluster(), holder="n3")
    leaving = dataclasses.replace(observed["n3"], applied=record(builders.VIP))
    applied = record(recorded) if recorded else None
    staying = {n: dataclasses.replace(observed[n], applied=applied) for n in ("n1", "n2")}
    cluster = builders.cluster(vip=inventory, nodes=builders.cluster().nodes[:2])
    assert handover_vips(cluster, leaving, staying) == handed_over
    (turn,) = leaving_plan(cluster, {"n3": leaving}, staying).nodes
    assert (turn.holder, turn.steps[0].action == "handover") == (bool(handed_over),) * 2
    script = down_script(cluster, turn, leaving, Lock("c", "up", "token"), handed_over)
    commands = [line for line in script.splitlines() if "step 0 hand_over" in line]
    assert [command.split()[-1] for command in commands] == handed_over
    assert f"release {builders.VIP}" in script


def record(vip: str) -> Applied:
    return Applied((vip,), "eth0", "me", "then", "0", {})


def test_what_is_left_in_the_folder_is_sorted_into_ours_and_others() -> None:
    paths = ("haproxy/notes.txt", "adopted/haproxy/a.cfg", "adopted/haproxy/b", "applied.json.new")
    files = tuple(ObservedFile(path, 0o644, "0:0", b"") for path in paths)
    look = dataclasses.replace(builders.empty("n1"), files=files)
    assert ours_to_remove(look) == ["applied.json.new"]
    assert leftovers(builders.cluster(), look, None) == ["file applied.json.new"]
    assert other_files(look, None) == ["adopted/", "haproxy/notes.txt"]


def test_foreign_containers_and_files_are_no_part_of_it() -> None:
    cluster = builders.cluster()
    observed = builders.healthy(cluster)
    n1 = observed["n1"]
    stranger = dataclasses.replace(n1.containers[0], name="stranger", cluster=None)
    note = ObservedFile("haproxy/notes.txt", 0o644, "0:0", b"mine")
    observed["n1"] = dataclasses.replace(
        n1, containers=(*n1.containers, stranger), files=(*n1.files, note)
    )
    plan = make_down_plan(cluster, observed)
    subjects = {s.subject for node in plan.nodes if node.node == "n1" for s in node.steps}
    assert "stranger" not in subjects
    assert "haproxy/notes.txt" not in subjects
    assert {"c-haproxy", "c-keepalived", "applied.json", "track/drain"} <= subjects


def orphan(**changes: object) -> list[str]:
    """The addresses that would be removed from a holder whose keepalived is gone."""
    cluster = builders.cluster()
    observed = builders.healthy(cluster)
    bent = {"containers": observed["n1"].containers[:1], "keepaliveds": {}, **changes}
    observed["n1"] = dataclasses.replace(observed["n1"], **bent)  # type: ignore[arg-type]
    (plan,) = [n for n in make_down_plan(cluster, observed).nodes if n.node == "n1"]
    return [step.subject for step in plan.steps if step.action == "remove-address"]


def test_an_orphaned_vip_is_removed() -> None:
    assert orphan() == [builders.VIP]


def test_a_vip_is_left_alone_without_a_record_that_names_it() -> None:
    assert orphan(applied=None) == []


def test_a_vip_is_left_alone_while_another_keepalived_runs_there() -> None:
    assert orphan(keepaliveds={77: ""}) == []


def test_an_empty_node_has_no_leftovers() -> None:
    assert leftovers(builders.cluster(), builders.empty("n1"), None) == []


def test_leftovers_are_named() -> None:
    cluster = builders.cluster()
    record = Applied((builders.VIP, "198.51.100.9"), "eth0", "me", "then", "0", {})
    look = builders.healthy(cluster)["n1"]
    old = Address("eth0", "198.51.100.9", 32)
    look = dataclasses.replace(look, addresses=(*look.addresses, old), kept=(".staging/x",))
    left = leftovers(cluster, look, record)
    assert "address 198.51.100.9 on eth0" in left
    assert "file .staging/x" in left
    assert "container c-haproxy (running)" in left
    assert "file applied.json" in left
    assert f"address {builders.VIP} on eth0" in left
