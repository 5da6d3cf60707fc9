"""What is asked from this machine before the VIP moves."""

from __future__ import annotations

import dataclasses

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
    assert problem.message.startswith(f"{LEFT} would take over the VIP: its port 9443")
    assert handover_view.client_access_problem(cluster, LEFT, "n2") is None


def test_the_vip_does_not_move_to_a_node_with_a_full_listener() -> None:
    cluster = builders.cluster()
    looks = builders.healthy(cluster)
    most = {"kube-apiserver": 60}
    holder = dataclasses.replace(looks["n1"], session_limits=most)
    full = dataclasses.replace(looks["n2"], session_limits=most, sessions=most)
    problem = handover_view.room_problem(cluster, holder, full)
    assert problem
    assert problem.message == (
        "n2 would take over the VIP: listener kube-apiserver is full: 60 of 60 connections"
    )
    assert handover_view.room_problem(cluster, full, holder) is None
    assert handover_view.room_problem(cluster, full, dataclasses.replace(full, node="n3")) is None
