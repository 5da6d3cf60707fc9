"""The plan of a first bring-up, and what keeps the nodes from being changed at the same time."""

from __future__ import annotations

import pytest

from hadeploy.plan.rolling import make_plan
from tests.unit import builders
from tests.unit.nodes import Node

CLUSTER = builders.cluster()


def planned(**nodes: Node) -> tuple[list[str], bool]:
    """Whose turns there are, and whether they are at the same time."""
    desired = {n: state for n, state in builders.desired(CLUSTER).items() if n in nodes}
    plan = make_plan(CLUSTER, desired, nodes)
    return [turn.node for turn in plan.nodes], plan.parallel


def test_all_fresh_nodes_change_at_the_same_time() -> None:
    assert planned(n1=builders.empty("n1"), n2=builders.empty("n2"), n3=builders.empty("n3")) == (
        ["n1", "n2", "n3"],
        True,
    )


@pytest.mark.parametrize(
    "nodes",
    [
        pytest.param(
            {"n1": builders.empty("n1"), "n2": builders.empty("n2")}, id="a node is left out"
        ),
        pytest.param(
            {
                "n1": builders.empty("n1"),
                "n2": builders.empty("n2"),
                "n3": builders.empty("n3").with_vip(),
            },
            id="something has the VIP",
        ),
        pytest.param(
            {
                "n1": builders.empty("n1"),
                "n2": builders.empty("n2"),
                "n3": builders.node("n3", of=CLUSTER).without_record(),
            },
            id="containers of ours",
        ),
    ],
)
def test_where_something_may_serve_one_node_follows_the_other(nodes: dict[str, Node]) -> None:
    assert not planned(**nodes)[1]
