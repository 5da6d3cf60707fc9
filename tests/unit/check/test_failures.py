"""All failed checks are reported at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from hadeploy.check.evaluate import evaluate
from hadeploy.check.finding import CheckContext, failures
from hadeploy.check.former_nodes import former_nodes, returned_and_incompatible
from hadeploy.observe.observed_node import Address, Owner, Socket
from hadeploy.observe.segment import Segment
from tests.unit import builders
from tests.unit.nodes import Node


def of(observed: dict[str, Node], **inventory: Any) -> list[tuple[str | None, str]]:
    findings = failures(evaluate(CheckContext(builders.cluster(**inventory), observed)))
    return [(finding.node, finding.message) for finding in findings if finding.node]


def test_fresh_nodes_pass_every_check() -> None:
    assert of({f"n{i}": builders.empty(f"n{i}") for i in (1, 2, 3)}) == []


def test_the_haproxy_of_hadeploy_is_no_conflict() -> None:
    assert of(builders.healthy(builders.cluster())) == []


CASES: list[Any] = [
    (lambda n: n.with_(missing=("ss", "bash")), "lacks ss, bash"),
    (lambda n: n.with_(root=False), "scripts do not run as root"),
    (lambda n: n.with_(docker="19.03.15"), "Docker 19.03.15 is too old"),
    (lambda n: n.with_(missing=("docker",), docker=None), "Docker is not installed"),
    (
        lambda n: n.with_(docker=None, docker_error="permission denied"),
        "the Docker engine does not answer",
    ),
    (
        lambda n: n.with_(addresses=(Address("eth0", "198.51.100.99", 24),)),
        "does not have the address 198.51.100.12; it has 198.51.100.99 (eth0)",
    ),
    (
        lambda n: n.with_(sockets=(Socket("*", 9443, (Owner("k0s", 77),)),)),
        "port 9443 is taken by k0s (pid 77)",
    ),
    (
        lambda n: dataclasses.replace(
            n, sockets=(Socket("*", 9443, (Owner("haproxy", 77, "f" * 64),)),)
        ),
        "port 9443 is taken by haproxy (pid 77, in a container)",
    ),
]


@pytest.mark.parametrize(("bend", "what"), CASES)
def test_a_blocker_names_node_and_cause(bend: Callable[[Node], Node], what: str) -> None:
    assert of({"n2": bend(builders.empty("n2"))}) == [("n2", what)]


def test_a_foreign_container_with_a_name_of_hadeploy_is_refused() -> None:
    cluster = builders.cluster()
    node = builders.healthy(cluster)["n1"]
    foreign = dataclasses.replace(node.containers[1], cluster=None)
    (blocker,) = of({"n1": node.with_(containers=(node.containers[0], foreign))})
    assert "a foreign container has the name c-keepalived" in blocker[1]


def test_a_second_haproxy_on_a_listener_port_is_refused() -> None:
    cluster = builders.cluster()
    node = builders.healthy(cluster)["n1"]
    second = Socket("0.0.0.0", 9443, (Owner("haproxy", 77),))
    observed = {"n1": node.with_(sockets=(*node.sockets, second))}
    assert of(observed) == [("n1", "port 9443 is taken by haproxy (pid 77)")]


def test_the_haproxy_of_hadeploy_under_an_old_name_is_no_conflict() -> None:
    assert of(builders.healthy(builders.cluster()), containers={"haproxy": "new-name"}) == []


def test_an_image_that_may_not_be_pulled_must_be_there() -> None:
    images = {"haproxy": {"reference": "haproxy:9", "pull": "never"}}
    assert of({"n1": builders.empty("n1")}, images=images) == [
        ("n1", "haproxy:9 is not on the node, and images.haproxy.pull is never")
    ]
    assert of({"n1": builders.empty("n1")}, images={"haproxy": {"archive": "x.tar"}}) == []


def test_every_problem_of_every_node_is_reported() -> None:
    broken = {
        f"n{i}": builders.empty(f"n{i}").with_(docker=None, missing=("ip",)) for i in (1, 2, 3)
    }
    assert len(of(broken)) == 6


def test_a_former_node_is_refused_until_it_is_forgotten() -> None:
    observed = builders.healthy(builders.cluster())
    smaller = builders.cluster(
        nodes=[{"name": f"n{i}", "address": f"198.51.100.1{i}"} for i in (1, 2)]
    )
    (finding,) = failures(list(former_nodes(CheckContext(smaller, observed))))
    assert "198.51.100.13 was a node of this cluster" in finding.message
    forgotten = CheckContext(smaller, observed, forget=("198.51.100.13",))
    for context in (forgotten, CheckContext(builders.cluster(), observed)):
        assert failures(list(former_nodes(context))) == []


def test_a_forgotten_node_that_is_back_stands_in_the_way_of_other_vrrp_settings() -> None:
    cluster = builders.cluster()
    observed = builders.healthy(cluster)
    forgotten = "198.51.100.14"
    assert list(returned_and_incompatible(cluster, observed, [forgotten])) == []
    segment = Segment("eth0", 2.0, {forgotten: frozenset({"02:00:00:00:00:14"})})
    observed["n2"] = dataclasses.replace(observed["n2"], segment=segment)
    (finding,) = returned_and_incompatible(cluster, observed, [forgotten])
    assert finding.verdict == "fail"
    assert f"the forgotten node {forgotten} is back on the network" in finding.message


def test_a_node_of_another_cluster_of_that_name_takes_no_other_node_with_it() -> None:
    """n3 was put into this inventory and still is in that of another cluster."""
    theirs = builders.cluster(vip="198.51.100.200", nodes=[f"198.51.100.{i}" for i in (13, 18, 19)])
    there = builders.healthy(theirs)["198.51.100.13"]
    ours = builders.cluster()
    observed = {**{n: builders.empty(n) for n in ("n1", "n2")}, "n3": there}
    (finding,) = failures(list(former_nodes(CheckContext(ours, observed))))
    assert finding.node == "n3"
    assert "belongs to another cluster c, with the VIP 198.51.100.200" in finding.message
    assert "the nodes 198.51.100.18 and 198.51.100.19" in finding.message
    # One whose VIP changes, or that grows, is the same cluster.
    for inventory in (builders.cluster(vip="198.51.100.200"), builders.cluster()):
        looks = builders.healthy(builders.cluster())
        assert failures(list(former_nodes(CheckContext(inventory, looks)))) == []
    alone = builders.cluster(nodes=["198.51.100.11"])
    looks = builders.healthy(alone)
    grown = builders.cluster(vip="198.51.100.200", nodes=["198.51.100.11", "198.51.100.12"])
    assert failures(list(former_nodes(CheckContext(grown, looks)))) == []


def test_a_paused_haproxy_of_hadeploy_is_no_conflict() -> None:
    observed = builders.healthy(builders.cluster())
    n1 = observed["n1"]
    observed["n1"] = n1.with_container("haproxy", status="paused")
    assert of(observed) == []
