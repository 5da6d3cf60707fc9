"""Rounds in a terminal, also one without colours."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from hadeploy.drill.metrics import metrics_of
from hadeploy.drill.render_timeline import TimelinePicture
from hadeploy.drill.timeline import timeline
from tests.unit.drill.captured_rounds import CLUSTER, NAMES, captured


def lines(name: str, width: int) -> list[str]:
    round_ = captured(name)
    picture = TimelinePicture("heading", timeline(round_, metrics_of(round_), CLUSTER))
    console = Console(width=width, file=io.StringIO())
    with console.capture() as shown:
        console.print(picture)
    return [line.rstrip() for line in shown.get().splitlines()]


def test_a_stopped_haproxy_at_80_columns() -> None:
    assert lines("haproxy-stop", 80) == [
        "heading   ─ answered   x failed",
        "                      |0        |+1 s      |+2 s     |+3 s      |+4 s",
        "n1      drill         broken────────────────────────",
        "        VIP        █████",
        "        keepalived M────FAULT─────────────────────────────────────────────B────",
        "        haproxy    up──sdown────────────────────────up─────────────────────────",
        "n2      VIP              ██████████████████████████████████████████████████████",
        "        keepalived B─────MASTER────────────────────────────────────────────────",
        "        haproxy    up──────────────────────────────────────────────────────────",
        "n3      keepalived BACKUP──────────────────────────────────────────────────────",
        "        haproxy    up──────────────────────────────────────────────────────────",
        "clients answers    ────xx──────────────────────────────────────────────────────",
        "detected 0.19 s, taken over 0.26 s, repaired 2.88 s, outage 0.19 s",
    ]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [80, 100, 250])
def test_a_line_is_never_folded(name: str, width: int) -> None:
    shown = lines(name, width)
    assert len(shown) == 13
    assert max(map(len, shown)) <= width


def test_what_is_shorter_than_a_column_is_seen() -> None:
    row = next(line for line in lines("keepalived-kill", 60) if "keepalived" in line)
    # It was starting for a tenth of a second.
    assert re.search(r"down─*sBACKUP─+$", row)
