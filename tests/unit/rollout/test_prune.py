"""Which machines `up --prune` takes for former nodes."""

from __future__ import annotations

import dataclasses

import pytest

from hadeploy.errors import ExitCode, HadeployError, NodesError
from hadeploy.plan.order import added_nodes
from hadeploy.rollout.prune import former_nodes, given_nodes, refuse_strangers
from hadeploy.verify.strangers import forgotten_nodes
from tests.unit import builders
from tests.unit.nodes import Node

OTHER_VIP = "198.51.100.200"


def look(vip: str, *members: str) -> Node:
    """A node of a cluster of that name, with that VIP."""
    found = builders.node("n1", of=builders.cluster()).with_record(vips=(vip,))
    return found.with_record(members=members) if members else found


def refused(known: bool, found: Node) -> list[str]:
    """What is said of a node that `--former` or a record names."""
    cluster = builders.cluster()
    there = {"198.51.100.18": found}
    try:
        refuse_strangers(cluster, there, builders.healthy(cluster), list(there) if known else [])
    except NodesError as error:
        return [one.message for one in error.errors]
    return []


def test_a_node_of_another_cluster_of_that_name_is_not_removed() -> None:
    assert refused(False, look(builders.VIP)) == []
    for other in (look(OTHER_VIP), builders.empty("n8")):
        assert refused(False, other) == [f"it has no record of cluster c with {builders.VIP}"]


THEIRS = ("198.51.100.18", "198.51.100.19")


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (look(builders.VIP), ""),
        (look(OTHER_VIP, *THEIRS), "its own record has 198.51.100.200 and names"),
        (look(builders.VIP, *THEIRS), f"its own record has {builders.VIP} and names 198.51.100.18"),
        (look(OTHER_VIP), "its own record has 198.51.100.200"),
        # It was stopped, or has lost its record.
        (builders.empty("n8"), ""),
        (look(builders.VIP).without_record(), ""),
    ],
)
def test_the_record_of_one_node_is_not_enough_to_remove_another(found: Node, says: str) -> None:
    said = refused(True, found)
    assert [bool(says and says in one) for one in said] == ([True] if says else [])


def test_a_forgotten_node_has_the_vip_of_its_time() -> None:
    """The records of all remaining nodes name it."""
    cluster = builders.cluster(vip=OTHER_VIP)
    gone, address = look(builders.VIP), "198.51.100.18"
    staying = builders.healthy(cluster)
    with pytest.raises(NodesError):
        refuse_strangers(cluster, {address: gone}, staying, [address])
    for node, seen in staying.items():
        staying[node] = seen.with_record(forgotten=(address,))
    refuse_strangers(cluster, {address: gone}, staying, [address])


def test_without_a_record_what_runs_there_must_not_have_another_vip() -> None:
    other = builders.cluster(vip=OTHER_VIP)
    theirs = builders.node("n3", of=other).without_record()
    (said,) = refused(True, theirs)
    assert "what runs there has another VIP" in said


@pytest.mark.parametrize("address", ["198.51.100.11", "n1", "", "198.51.100.300"])
def test_what_is_no_former_node_is_refused(address: str) -> None:
    with pytest.raises(HadeployError) as raised:
        given_nodes(builders.cluster(), [address])
    assert raised.value.code is ExitCode.USAGE


def test_the_record_of_a_former_node_names_the_others() -> None:
    new = [{"name": f"n{i}", "address": f"198.51.100.1{i}"} for i in (7, 8)]
    staying = {node: builders.empty(node) for node in ("n7", "n8")}
    cluster = builders.cluster(nodes=new)
    assert former_nodes(cluster, staying) == []
    gone = {"198.51.100.11": look(builders.VIP)}
    found = [node.label for node in former_nodes(cluster, {**staying, **gone})]
    assert found == ["198.51.100.11", "198.51.100.12", "198.51.100.13"]


def renumbered(*, there: bool) -> Node:
    """n3, whose address differs in other records: it still has it, or its files name it."""
    look = builders.node("n3", of=builders.cluster())
    if there:
        return look.with_address("198.51.100.33", "eth0", 24)
    files = tuple(
        dataclasses.replace(file, content=file.content.replace(b"198.51.100.13", b"198.51.100.33"))
        for file in look.files
    )
    return look.with_(files=files)


@pytest.mark.parametrize("there", [True, False])
def test_a_machine_with_another_address_has_neither_left_nor_come(there: bool) -> None:
    cluster = builders.cluster()
    known_as = ("198.51.100.11", "198.51.100.12", "198.51.100.33")
    observed = {
        node: look.with_record(members=known_as)
        for node, look in {**builders.healthy(cluster), "n3": renumbered(there=there)}.items()
    }
    assert former_nodes(cluster, observed) == []
    addresses = {node.label: str(node.address) for node in cluster.nodes}
    assert added_nodes(addresses, observed) == []
    assert forgotten_nodes(cluster, observed) == []
    # A machine that no record names is an added one.
    observed["n3"] = builders.empty("n3")
    assert [node.label for node in former_nodes(cluster, observed)] == ["198.51.100.33"]
    assert added_nodes(addresses, observed) == ["n3"]
