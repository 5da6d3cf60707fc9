"""What a rollback goes back to."""

from __future__ import annotations

import dataclasses
import json

import pytest

from hadeploy.desired.desired_node import configuration_id
from hadeploy.errors import HadeployError
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.observed_node import ObservedFile
from hadeploy.observe.parse_record import parse_record
from hadeploy.plan.previous import previous_configuration
from hadeploy.rollout.record import applied_record
from tests.unit import builders
from tests.unit.nodes import Node

OLD = builders.cluster(haproxy={"maxconn": 500})
NEW = builders.cluster(haproxy={"maxconn": 600})
OTHER = builders.cluster(haproxy={"maxconn": 700})


def kept(cluster: Cluster, node: str, folder: str) -> list[ObservedFile]:
    """The files and the record of one configuration on one node."""
    desired = builders.desired(cluster)
    record = applied_record(cluster, desired[node], configuration_id(desired), interim=False)
    files = [
        ObservedFile(f"{folder}{f.path}", f.mode, "0:0", f.content.encode())
        for f in desired[node].files
    ]
    return [*files, ObservedFile(f"{folder}applied.json", 0o600, "0:0", record.encode())]


def observed(*now_and_before: tuple[Cluster, Cluster | None]) -> dict[str, Node]:
    """Nodes n1, n2, ... with what was applied last, and before."""
    found = {}
    for number, (now, before) in enumerate(now_and_before, 1):
        node = f"n{number}"
        files = kept(now, node, "")
        record = parse_record(files[-1].content)
        files += kept(before, node, ".previous/") if before else []
        found[node] = dataclasses.replace(builders.empty(node), files=tuple(files), applied=record)
    return found


def test_the_very_bytes_of_the_previous_configuration_come_back() -> None:
    found = previous_configuration(NEW, observed((NEW, OLD), (NEW, OLD), (NEW, OLD)))
    assert found.cluster.haproxy.maxconn == 500
    wanted = builders.desired(OLD)
    for node, desired in found.desired.items():
        assert desired.files == wanted[node].files
        assert desired.containers == wanted[node].containers
    assert configuration_id(found.desired) == configuration_id(wanted)


def test_a_change_that_only_some_nodes_have_is_taken_back_there() -> None:
    found = previous_configuration(NEW, observed((OLD, OTHER), (NEW, OLD), (OLD, OTHER)))
    assert found.cluster.haproxy.maxconn == 500


@pytest.mark.parametrize(
    "nodes",
    [
        [(NEW, None), (NEW, None), (NEW, None)],
        [(NEW, OLD), (NEW, OTHER), (NEW, OLD)],
        [(NEW, OLD), (OLD, NEW), (NEW, OLD)],
    ],
)
def test_without_a_configuration_of_all_nodes_there_is_no_rollback(
    nodes: list[tuple[Cluster, Cluster | None]],
) -> None:
    with pytest.raises(HadeployError) as caught:
        previous_configuration(NEW, observed(*nodes))
    assert "change the inventory" in (caught.value.hint or "")


def test_a_kept_file_that_was_changed_by_hand_is_refused() -> None:
    looks = observed((NEW, OLD), (NEW, OLD), (NEW, OLD))
    edited = [
        dataclasses.replace(f, content=b"edited")
        if f.path == ".previous/haproxy/haproxy.cfg"
        else f
        for f in looks["n2"].files
    ]
    looks["n2"] = dataclasses.replace(looks["n2"], files=tuple(edited))
    with pytest.raises(HadeployError, match=r"n2: \.previous/haproxy/haproxy\.cfg"):
        previous_configuration(NEW, looks)


@pytest.mark.parametrize("edited", [["n1"], ["n2"], ["n1", "n2", "n3"]])
def test_one_record_does_not_change_all_nodes(edited: list[str]) -> None:
    looks = observed((NEW, OLD), (NEW, OLD), (NEW, OLD))
    for node in edited:
        files = list(looks[node].files)
        record = json.loads(files[-1].content)
        record["inventory"]["images"]["haproxy"]["reference"] = "evil:latest"
        files[-1] = dataclasses.replace(files[-1], content=json.dumps(record).encode())
        looks[node] = dataclasses.replace(looks[node], files=tuple(files))
    with pytest.raises(HadeployError, match="is not what was applied on all nodes"):
        previous_configuration(NEW, looks)


def test_other_nodes_are_no_previous_configuration_of_these() -> None:
    fewer = builders.cluster(nodes=["198.51.100.11", "198.51.100.12", "198.51.100.14"])
    with pytest.raises(HadeployError, match="had other nodes"):
        previous_configuration(fewer, _as(fewer, observed((NEW, OLD), (NEW, OLD), (NEW, OLD))))


def _as(cluster: Cluster, looks: dict[str, Node]) -> dict[str, Node]:
    labels = [node.label for node in cluster.nodes]
    return dict(zip(labels, looks.values(), strict=True))


def test_the_record_holds_nothing_of_how_nodes_are_reached() -> None:
    cluster = builders.cluster(ssh={"user": "canary", "identity_file": "canary"})
    desired = builders.desired(cluster)
    record = applied_record(cluster, desired["n1"], "id", interim=True)
    assert "canary" not in record
    assert json.loads(record)["interim"] is True
