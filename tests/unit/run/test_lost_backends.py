"""Whether backends were lost by a change, as the other nodes see them."""

from __future__ import annotations

import dataclasses

import pytest

from hadeploy.observe.model import BackendServer, ObservedNode
from hadeploy.plan.backends import ExpectedBackend
from hadeploy.run.lost_backends import LostBackend, seen_elsewhere
from tests.unit import builders

LOST = [LostBackend("new-backend/n1", ())]
EXPECTED = [ExpectedBackend("new-backend/n1", "old-backend/n1")]


def look(listener: str, name: str, status: str) -> ObservedNode:
    server = BackendServer(listener, name, status)
    return dataclasses.replace(builders.empty("n2"), backends=(server,))


@pytest.mark.parametrize(
    ("looks", "seen"),
    [
        ([look("old-backend", "n1", "UP")], "up"),
        ([look("new-backend", "n1", "UP")], "up"),
        ([look("old-backend", "n1", "UP 2/3")], "failing"),
        ([look("old-backend", "n1", "DOWN")], "down"),
        ([look("old-backend", "n1", "DOWN"), look("old-backend", "n1", "UP")], "up"),
        ([look("old-backend", "n2", "DOWN")], "unknown"),
        ([builders.empty("n2")], "unknown"),
        ([], "unknown"),
    ],
)
def test_the_other_nodes_tell_whose_fault_it_is(looks: list[ObservedNode], seen: str) -> None:
    assert seen_elsewhere(LOST, EXPECTED, looks) == seen
