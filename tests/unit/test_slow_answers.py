"""Every answer is parsed in time, and its only error names the node."""

from __future__ import annotations

import itertools
import time

import pytest

from hadeploy.drill.events import events_of
from hadeploy.drill.metrics import metrics_of
from hadeploy.drill.round import Event, Kind, Round
from hadeploy.drill.scenarios import SCENARIOS
from hadeploy.errors import HadeployError
from hadeploy.observe.gather import read_observation
from hadeploy.plan.redacted_diff import difference
from hadeploy.scripts.lines import OutputTooLongError
from hadeploy.scripts.protocol import Message, Reply, ReplyParser
from tests.unit.drill.captured_rounds import CLUSTER

LONG = 250_000
ABOUT = Message("node", (), ["uid=0", "now=1"])


@pytest.mark.parametrize(
    ("kind", "lines"),
    [
        ("links", ["1: " + "a" * LONG]),
        ("links", ["1: a<" + "a" * LONG]),
        ("vrrp-listener", ["Entering BACKUP STATE", "(listener) " * (LONG // 11)]),
        ("vrrp-listener", ["Entering BACKUP STATE", "(listener) wrong from " + "1." * LONG]),
        ("sockets", ["LISTEN 0 1 192.0.2.1:1 x users:(" + '("a",pid=1' * (LONG // 10)]),
        ("vrrp", ["   State = X", "   " + "a = " * LONG]),
        ("routes", ["via " * LONG]),
    ],
)
def test_no_line_of_an_answer_takes_long(kind: str, lines: list[str]) -> None:
    began = time.monotonic()
    read_observation("n1", Reply((ABOUT, Message(kind, (), lines)), 0))  # type: ignore[arg-type]
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("row", ["a,b\rc,UP", f"a,b,{'x' * 200_000}"], ids=["return", "long"])
def test_invalid_statistics_are_a_parse_error(row: str) -> None:
    body = ["# pxname,svname,status", row]
    with pytest.raises(HadeployError, match="cannot parse the node's answer"):
        read_observation("n1", Reply((ABOUT, Message("haproxy", (), body)), 0))


@pytest.mark.parametrize("text", ["(", "()", "VRRP_Script("])
def test_no_line_of_a_log_takes_long(text: str) -> None:
    began = time.monotonic()
    line = f"2026-01-01T00:00:00.000000000Z {text * (LONG // len(text))}"
    assert [event.kind for event in events_of("n1", line, ())] == ["log"]
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("lines", ["\n", "    server a\n    server b\n"])
def test_a_file_of_many_lines_is_not_compared(lines: str) -> None:
    ours = "".join(f"    server {letter}\n\n" for letter in "abcdefgh" * 10)
    began = time.monotonic()
    shown = difference((lines * 500_000).encode(), ours, "haproxy.cfg", "on the node")
    assert time.monotonic() - began < 10
    assert "too many to compare" in shown[-1]


def test_no_number_of_events_takes_long() -> None:
    vip = str(CLUSTER.vip[0].ip)
    kinds: tuple[Kind, Kind] = ("bound", "unbound")
    events = [Event(i / 1000, f"n{1 + i // 2 % 3}", kinds[i % 2], vip) for i in range(50_000)]
    marks: tuple[Kind, ...] = ("breaking", "broken", "mending", "mended")
    events = [*(Event(0, "n1", mark, "") for mark in marks), *events]
    began = time.monotonic()
    metrics_of(Round(SCENARIOS[0], ("n1",), "n1", (vip,), tuple(events)))
    assert time.monotonic() - began < 10


def test_endless_messages_take_little_memory() -> None:
    heard = ReplyParser("t", lambda _: None)
    with pytest.raises(OutputTooLongError):
        list(map(heard.feed, itertools.repeat("@t ok 0")))
    assert len(heard.messages) < 150_000
