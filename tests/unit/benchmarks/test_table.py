from __future__ import annotations

from benchmarks.figures import LongLived, Measurement, Observed, Request, Row
from benchmarks.table import in_short, rendered


def row(change: str, tool: str, *errors: str) -> Row:
    requests = [Request(0.0, 0.0, 0.042), *(Request(0.04, 0.041, 0.05, said) for said in errors)]
    held = (LongLived("stream"), LongLived("keep-alive"))
    return Row(change, tool, False, [Measurement(Observed(requests, held, 0.04), 0.0, 1.26)])


def test_rows_of_one_change_are_together_in_the_order_of_the_changes() -> None:
    rows = [row("a", "one"), row("b", "one"), row("a", "two")]
    lines = rendered(rows, {"Machine": "2 CPUs", "Python": "3.11"}, 3).splitlines()
    assert lines[2:5] == [
        "| a | one | 1 | 0 | 0 | 42 ms | 0 ms | 0 of 2 | 1.3 s |",
        "| a | two | 1 | 0 | 0 | 42 ms | 0 ms | 0 of 2 | 1.3 s |",
        "| b | one | 1 | 0 | 0 | 42 ms | 0 ms | 0 of 2 | 1.3 s |",
    ]
    assert lines[-1] == "3 rounds each. Machine: 2 CPUs; Python: 3.11."
    assert {line.count("|") for line in lines[:5]} == {10}


def test_failures_are_listed_below() -> None:
    text = rendered([row("a", "one", "ECONNREFUSED")], {"Machine": "2 CPUs"}, 1)
    assert "- a, one, round 1: 1 request: ECONNREFUSED (0.0 s)" in text
    assert "1 round each" in text


def test_a_long_gap_is_in_seconds() -> None:
    requests = [Request(0.0, 0.0, 3.14)]
    made = Measurement(Observed(requests, (), 0.0), 0.0, 1.0)
    assert "| 3.1 s |" in rendered([Row("a", "one", True, [made])], {}, 1)


def test_in_short_there_are_the_changes_that_all_have_made() -> None:
    rows = [row("a", "one"), row("b", "one"), row("a", "two", "ECONNREFUSED")]
    assert in_short(rows).splitlines() == [
        "| what is changed | one | two |",
        "|---|--:|--:|",
        "| a | 0 (42 ms) | 1 (42 ms) |",
    ]
