"""Many logs as one."""

from __future__ import annotations

from hadeploy.logs.lines import Line
from hadeploy.logs.merge import Window, merged


def line(at: int, node: str = "n1", text: str = "") -> Line:
    return Line(at, node, "haproxy", text)


def test_lines_are_by_time_and_those_of_one_moment_stay_in_order() -> None:
    lines = [line(2), line(1, text="a"), line(1, text="b"), line(1, "n2")]
    assert merged(lines) == [line(1, text="a"), line(1, text="b"), line(1, "n2"), line(2)]


def test_a_line_waits_for_older_ones_of_other_nodes() -> None:
    window = Window(0.5)
    assert window.due is None
    window.add(line(20), now=100.0)
    window.add(line(10, "n2"), now=100.4)
    window.add(line(30), now=100.45)
    assert window.due == 100.5
    assert window.ready(100.49) == []
    assert window.ready(100.5) == [line(10, "n2"), line(20)]
    assert window.due == 100.95
    assert window.ready(101.0) == [line(30)]
    assert window.ready(102.0) == []


def test_no_line_waits_longer_for_a_clock_that_is_ahead() -> None:
    window = Window(0.5)
    window.add(line(9000), now=1.0)
    window.add(line(5, "n2"), now=1.1)
    assert window.ready(1.5) == [line(5, "n2"), line(9000)]
