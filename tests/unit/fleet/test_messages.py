"""Errors between the lines for people."""

from __future__ import annotations

import pytest

from hadeploy.errors import HadeployError
from hadeploy.fleet.messages import MARK, errors_in, record


def test_errors_come_over_in_full() -> None:
    sent = [
        HadeployError("no", node="n1", operation="trying", hint="wait", detail="a\nb\x1ec"),
        HadeployError("déjà vu"),
    ]
    line = record(sent)
    assert "\n" not in line
    got = errors_in(line)
    assert got
    assert [(e.message, e.node, e.operation, e.hint, e.detail) for e in got] == [
        ("no", "n1", "trying", "wait", "a\nb\x1ec"),
        ("déjà vu", None, None, None, None),
    ]


@pytest.mark.parametrize(
    "line",
    ["", "== Plan", '[{"what": "x"}]', MARK, f"{MARK}[", f"{MARK}7", f'{MARK}[{{"node": "n1"}}]'],
)
def test_everything_else_is_for_people(line: str) -> None:
    assert errors_in(line) is None
