"""What a slow link costs: how often a node is spoken to."""

from __future__ import annotations

import json

import pytest

from tests.lab.harness import Cluster


def counts(cluster: Cluster, *arguments: str) -> list[dict[str, int]]:
    """What a command that succeeds costs, node by node."""
    file = cluster.folder / "counts.json"
    result = cluster.run(str(file), *arguments, module="tests.lab.counting")
    assert result.code == 0, result.err
    found: dict[str, dict[str, int]] = json.loads(file.read_text())
    return [found[cluster.lab.address(node)] for node in cluster.lab.nodes]


def spoken(times: int) -> dict[str, int]:
    return {"connections": 1, "channels": times, "commands": times}


@pytest.mark.parametrize("command", ["up", "plan", "verify", "status"])
def test_a_run_without_changes_makes_one_exec_per_node(served: Cluster, command: str) -> None:
    assert counts(served, command) == [spoken(1)] * 3


def test_a_changed_setting_takes_four_times(served: Cluster) -> None:
    """The look, staging and validation, the turn, and the look at what came of it.

    The first node's turn is two scripts: this machine asks that node as a client in between.
    """
    (holder,) = served.holders()
    first = next(node for node in served.lab.nodes if node != holder)
    served.inventory["listeners"] = [{"balance": "roundrobin"}]
    expected = [spoken(5 if node == first else 4) for node in served.lab.nodes]
    assert counts(served, "up") == expected


def test_a_first_bring_up_takes_four_times(served: Cluster) -> None:
    served.ok("down", "--yes")
    assert counts(served, "up") == [spoken(4)] * 3
