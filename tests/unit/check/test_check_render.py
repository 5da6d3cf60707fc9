"""What the checks found, as a table and as lines."""

from __future__ import annotations

import io

from rich.console import Console

from hadeploy.check.finding import Finding
from hadeploy.ui.render_checks import finding_line, render_checks


def shown(findings: list[Finding]) -> list[str]:
    console = Console(file=io.StringIO(), width=80, color_system=None)
    console.print(render_checks(findings, ["n1", "n2"]), soft_wrap=True)
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_a_row_for_each_check_and_alike_findings_once() -> None:
    found = [
        Finding("clock", "n1", "pass", "fine"),
        Finding("docker", "n1", "fail", "no answer", "start it", "permission denied"),
        Finding("docker", "n2", "fail", "no answer", "start it", "permission denied"),
        Finding("clock", "n2", "warn", "7 s ahead"),
    ]
    assert shown(found) == [
        "check   n1  n2",
        "docker  ✗   ✗",
        "clock   ✓   !",
        "✗ n1, n2: docker: no answer",
        "  | permission denied",
        "  fix: start it",
        "! n2: clock: 7 s ahead",
        "2 of 4 checks failed, 1 warned.",
    ]


def test_what_was_not_looked_at_is_neither_and_what_is_of_all_is_everywhere() -> None:
    found = [
        Finding("clock", "n2", "pass", "fine"),
        Finding("former-nodes", None, "warn", "hm"),
    ]
    assert shown(found) == [
        "check         n1  n2",
        "clock         -   ✓",
        "former-nodes  !   !",
        "! former-nodes: hm",
        "No check failed; 1 of 2 warned.",
    ]


def test_a_warning_is_one_line() -> None:
    line = finding_line(Finding("clock", "n1", "warn", "7 s ahead", "run NTP"))
    assert line.plain == "! n1: clock: 7 s ahead (run NTP)"
