"""Nodes have clocks of their own."""

from __future__ import annotations

import time

import pytest

from hadeploy.drill.monitor import Watched
from hadeploy.scripts.protocol import Message
from tests.unit.builders import VIP


def clock(ahead: float) -> Message:
    return Message("clock", (f"{time.time() + ahead:.6f}",))


def test_events_have_times_of_the_local_clock() -> None:
    watched = Watched({VIP}, {"n1": 0.0, "n2": 0.1})
    assert not watched.ready(["n1", "n2"])
    watched.hear("n1", clock(ahead=3600.0))
    # n2's messages take 0.1 s: a message that arrives now was sent 0.1 s ago.
    watched.hear("n2", clock(ahead=-0.1))
    assert watched.ready(["n1", "n2"])
    now = time.time()
    watched.hear("n1", Message("breaking", (f"{now + 3600:.6f}",)))
    watched.hear("n2", Message("broken", (f"{now:.6f}",)))
    assert {(e.node, e.kind) for e in watched.events()} == {("n1", "breaking"), ("n2", "broken")}
    assert [e.at for e in watched.events()] == pytest.approx([now, now], abs=0.05)


def test_a_delayed_message_does_not_change_the_clock_offset() -> None:
    watched = Watched({VIP}, {})
    watched.hear("n1", clock(ahead=0.0))
    watched.hear("n1", clock(ahead=-5.0))
    now = time.time()
    watched.hear("n1", Message("mended", (f"{now:.6f}",)))
    assert watched.events()[0].at == pytest.approx(now, abs=0.05)


def test_a_log_that_is_read_again_is_reported_once() -> None:
    watched = Watched({VIP}, {})
    watched.hear("n1", clock(ahead=0.0))
    line = ("2026-11-24T02:19:32.1Z", "(hadeploy)", "Entering", "FAULT", "STATE")
    watched.hear("n1", Message("event", line))
    watched.hear("n1", Message("event", line))
    assert [(e.kind, e.what) for e in watched.events()] == [("state", "FAULT")]


def test_a_node_that_asks_through_the_vip() -> None:
    watched = Watched({VIP}, {})
    watched.hear("n3", clock(ahead=0.0))
    watched.hear("n3", Message("request-kind", ("connect",)))
    now = time.time()
    times = (f"{now:.6f}", f"{now + 1:.6f}")
    watched.hear("n3", Message("request", times))
    watched.hear("n3", Message("request", (*times, "no", "connection")))
    assert watched.how == "connect"
    assert [request.error for request in watched.requests()] == ["", "no connection"]
    first = watched.requests()[0]
    assert (first.due, first.ended) == pytest.approx((now, now + 1), abs=0.05)
