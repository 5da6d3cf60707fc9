"""What is asked from this machine before the VIP moves."""

from __future__ import annotations

import pytest

from hadeploy.answers.answer import Answer
from hadeploy.rollout import handover_view
from tests.unit import builders

LEFT = "198.51.100.44"


def test_a_node_that_left_the_inventory_is_asked_at_its_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = {"198.51.100.12": "tls", LEFT: "refused"}
    monkeypatch.setattr(handover_view, "answer_of", lambda host, port: Answer(words[host]))
    cluster = builders.cluster()
    problem = handover_view.client_access_problem(cluster, "n2", LEFT)
    assert problem
    assert problem.message.startswith(f"{LEFT} would take the VIP over: its port 9443")
    assert handover_view.client_access_problem(cluster, LEFT, "n2") is None
