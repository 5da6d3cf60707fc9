"""Nodes have clocks of their own."""

from __future__ import annotations

import time

import pytest

from hadeploy.drill.collector import EventCollector
from hadeploy.scripts.protocol import Message
from tests.unit.builders import VIP


def clock(ahead: float) -> Message:
    return Message("clock", (f"{time.time() + ahead:.6f}",))


def test_events_have_times_of_the_local_clock() -> None:
    collector = EventCollector({VIP}, {"n1": 0.0, "n2": 0.1})
    assert not collector.ready(["n1", "n2"])
    collector.receive("n1", clock(ahead=3600.0))
    # n2's messages take 0.1 s: a message that arrives now was sent 0.1 s ago.
    collector.receive("n2", clock(ahead=-0.1))
    assert collector.ready(["n1", "n2"])
    now = time.time()
    collector.receive("n1", Message("breaking", (f"{now + 3600:.6f}",)))
    collector.receive("n2", Message("broken", (f"{now:.6f}",)))
    assert {(e.node, e.kind) for e in collector.events()} == {("n1", "breaking"), ("n2", "broken")}
    assert [e.at for e in collector.events()] == pytest.approx([now, now], abs=0.05)


def test_a_delayed_message_does_not_change_the_clock_offset() -> None:
    collector = EventCollector({VIP}, {})
    collector.receive("n1", clock(ahead=0.0))
    collector.receive("n1", clock(ahead=-5.0))
    now = time.time()
    collector.receive("n1", Message("mended", (f"{now:.6f}",)))
    assert collector.events()[0].at == pytest.approx(now, abs=0.05)


def test_a_log_that_is_read_again_is_reported_once() -> None:
    collector = EventCollector({VIP}, {})
    collector.receive("n1", clock(ahead=0.0))
    line = ("2026-11-24T02:19:32.1Z", "(hadeploy)", "Entering", "FAULT", "STATE")
    collector.receive("n1", Message("event", line))
    collector.receive("n1", Message("event", line))
    assert [(e.kind, e.what) for e in collector.events()] == [("state", "FAULT")]


def test_a_node_that_asks_through_the_vip() -> None:
    collector = EventCollector({VIP}, {})
    collector.receive("n3", clock(ahead=0.0))
    collector.receive("n3", Message("request-kind", ("connect",)))
    now = time.time()
    times = (f"{now:.6f}", f"{now + 1:.6f}")
    collector.receive("n3", Message("request", times))
    collector.receive("n3", Message("request", (*times, "no", "connection")))
    assert collector.request_kind == "connect"
    assert [request.error for request in collector.requests()] == ["", "no connection"]
    first = collector.requests()[0]
    assert (first.due, first.ended) == pytest.approx((now, now + 1), abs=0.05)
