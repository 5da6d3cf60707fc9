"""A limit that is lowered below the connections in use is reported."""

from __future__ import annotations

import dataclasses

import pytest

from hadeploy.plan.rolling import make_plan
from tests.unit import builders


@pytest.mark.parametrize(
    ("limit", "used", "reported"), [(5, 12, True), (5, 5, True), (5, 4, False), (600, 12, False)]
)
def test_a_limit_below_what_is_in_use(limit: int, used: int, reported: bool) -> None:
    before = builders.cluster()
    (listener,) = before.listeners
    observed = {
        node: dataclasses.replace(
            look, sessions={listener.name: used}, session_limits={listener.name: 300}
        )
        for node, look in builders.healthy(before).items()
    }
    after = builders.cluster(listeners=[{"name": listener.name, "port": 9443, "maxconn": limit}])
    plan = make_plan(after, builders.desired(after), observed)
    sentence = (
        f"Listener {listener.name} has {used} connections, and its limit changes from 300 "
        f"to {limit}: further clients wait."
    )
    assert (sentence in plan.warnings) == reported
