"""Which machines `up --prune` takes for former nodes."""

from __future__ import annotations

import dataclasses

import pytest

from hadeploy.errors import ExitCode, HadeployError, NodesError
from hadeploy.observe.model import ObservedNode
from hadeploy.run.prune import former_nodes, given_nodes, refuse_strangers
from tests.unit import builders

OTHER_VIP = "198.51.100.200"


def look(vip: str) -> ObservedNode:
    """A node of a cluster of that name, with that VIP."""
    found = builders.healthy(builders.cluster())["n1"]
    assert found.applied
    return dataclasses.replace(found, applied=dataclasses.replace(found.applied, vips=(vip,)))


def test_a_node_of_another_cluster_of_that_name_is_not_removed() -> None:
    refuse_strangers(builders.cluster(), {"198.51.100.18": look(builders.VIP)}, [])
    with pytest.raises(NodesError, match="has no record of cluster c with 198"):
        refuse_strangers(builders.cluster(), {"198.51.100.18": look(OTHER_VIP)}, [])
    with pytest.raises(NodesError, match="has no record"):
        refuse_strangers(builders.cluster(), {"198.51.100.18": builders.empty("n8")}, [])


@pytest.mark.parametrize("address", ["198.51.100.11", "n1", "", "198.51.100.300"])
def test_what_is_no_former_node_is_refused(address: str) -> None:
    with pytest.raises(HadeployError) as raised:
        given_nodes(builders.cluster(), [address])
    assert raised.value.code is ExitCode.USAGE


def test_a_node_that_those_that_stay_name_may_have_lost_its_record() -> None:
    refuse_strangers(builders.cluster(), {"198.51.100.13": builders.empty("n3")}, ["198.51.100.13"])


def test_the_record_of_a_former_node_names_the_others() -> None:
    new = [{"name": f"n{i}", "address": f"198.51.100.1{i}"} for i in (7, 8)]
    staying = {node: builders.empty(node) for node in ("n7", "n8")}
    cluster = builders.cluster(nodes=new)
    assert former_nodes(cluster, staying) == []
    gone = {"198.51.100.11": look(builders.VIP)}
    found = [node.label for node in former_nodes(cluster, {**staying, **gone})]
    assert found == ["198.51.100.11", "198.51.100.12", "198.51.100.13"]
