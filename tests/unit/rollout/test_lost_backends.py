"""Whether backends were lost by a change, as the other nodes see them."""

from __future__ import annotations

import dataclasses

import pytest

from hadeploy.observe.observed_node import BackendServer, ObservedNode
from hadeploy.plan.backends import ExpectedBackend
from hadeploy.rollout.lost_backends import BackendsLostError, LostBackend, state_elsewhere
from hadeploy.rollout.node_outcome import NodeOutcome
from hadeploy.verify.answers import ON_PURPOSE
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
def test_the_other_nodes_show_which_node_is_at_fault(looks: list[ObservedNode], seen: str) -> None:
    assert state_elsewhere(LOST, EXPECTED, looks) == seen


@pytest.mark.parametrize(
    ("names", "reported"),
    [
        ([":9443@10.0.0.9=http/200=http/403"], True),
        ([":9443@10.0.0.9=tls=http/403"], False),
        ([":9443@10.0.0.9=http/200,tls=closed"], False),
        (["api-backend/n1"], False),
        ([":9443@10.0.0.9=http/200=http/403", "api-backend/n1"], False),
    ],
)
def test_other_answers_can_be_configured_without_tls(names: list[str], reported: bool) -> None:
    lost = [LostBackend(name, ()) for name in names]
    error = BackendsLostError(lost, NodeOutcome.RESTORED, node="n2")
    assert (ON_PURPOSE in (error.hint or "")) is reported
