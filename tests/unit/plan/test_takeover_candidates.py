"""Which node may take over the VIP."""

from __future__ import annotations

import dataclasses

import pytest

from hadeploy.observe.observed_node import BackendServer
from hadeploy.plan.election import takeover_problem
from hadeploy.plan.takeover_candidates import takeover_candidates
from tests.unit import builders
from tests.unit.nodes import Node

SECTION = "kube-apiserver-backend"
CLUSTER = builders.cluster()


def nodes(**backends: str) -> dict[str, Node]:
    """Healthy nodes, n1 the holder; a word for each backend's state on a node, as `UP DOWN UP`."""
    return {
        node: dataclasses.replace(
            look,
            backends=tuple(
                BackendServer(SECTION, f"n{i}", state)
                for i, state in enumerate(backends.get(node, "UP UP UP").split(), 1)
            ),
        )
        for node, look in builders.healthy(CLUSTER).items()
    }


def test_a_node_that_reaches_what_the_holder_reaches_may_have_the_vip() -> None:
    assert takeover_candidates(CLUSTER, nodes(), "n1") == ["n2", "n3"]
    assert takeover_problem(CLUSTER, nodes(), "n1") is None


def test_a_node_that_sees_fewer_backends_is_no_successor() -> None:
    observed = nodes(n2="UP DOWN UP")
    assert takeover_candidates(CLUSTER, observed, "n1") == ["n3"]
    # keepalived still elects it: it has the highest priority.
    problem = takeover_problem(CLUSTER, observed, "n1")
    assert problem is not None
    assert "n2 would take over the VIP" in problem.message
    assert f"{SECTION}/n2" in problem.message


def test_a_worse_node_that_is_not_elected_does_not_matter() -> None:
    observed = nodes(n3="DOWN DOWN DOWN")
    assert takeover_candidates(CLUSTER, observed, "n1") == ["n2"]
    assert takeover_problem(CLUSTER, observed, "n1") is None


@pytest.mark.parametrize("states", ["DOWN DOWN DOWN", "UP DOWN UP"])
def test_what_is_down_everywhere_is_no_reason(states: str) -> None:
    observed = nodes(n1=states, n2=states, n3=states)
    assert takeover_candidates(CLUSTER, observed, "n1") == ["n2", "n3"]


def test_a_holder_whose_haproxy_is_dead_gives_the_vip_to_any_healthy_node() -> None:
    observed = nodes(n2="UP DOWN UP", n3="UP DOWN UP")
    observed["n1"] = dataclasses.replace(observed["n1"], serving=None)
    assert takeover_problem(CLUSTER, observed, "n1") is None


def test_a_backend_that_was_taken_out_on_the_updated_node_is_not_missing() -> None:
    observed = nodes(n2="UP UP", n3="UP UP")
    assert takeover_problem(CLUSTER, observed, "n1") is None


def test_other_backends_that_are_all_down_are_worse_than_the_old_ones() -> None:
    observed = nodes()
    new = (BackendServer(SECTION, "server-1", "DOWN"),)
    observed["n2"] = dataclasses.replace(observed["n2"], backends=new)
    problem = takeover_problem(CLUSTER, observed, "n1")
    assert problem is not None
    assert SECTION in problem.message
