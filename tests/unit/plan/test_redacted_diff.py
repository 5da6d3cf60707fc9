"""Diffs show what changes, and never a secret."""

from __future__ import annotations

import pytest

from hadeploy.desired.desired_node import File
from hadeploy.observe.observed_node import ObservedFile
from hadeploy.plan.redacted_diff import file_diff, shown


def diff(old: str, new: str) -> list[str]:
    there = ObservedFile("k", 0o600, "0:0", old.encode())
    return list(file_diff(File("k", new, 0o600, "keepalived", secret=True), there))


def test_a_changed_line_is_shown() -> None:
    assert diff("a\nb\n", "a\nc\n")[2:] == ["@@ -1,2 +1,2 @@", " a", "-b", "+c"]


def test_a_new_file_has_no_diff() -> None:
    assert file_diff(File("k", "a\n", 0o600, "haproxy"), None) == ()


def test_a_password_is_never_shown() -> None:
    old, new = '  auth_pass "canary1"\nx\n', '  auth_pass "canary1"\ny\n'
    shown = "\n".join(diff(old, new))
    assert "canary" not in shown
    assert "-x\n+y" in shown


def test_a_changed_password_is_reported_but_not_shown() -> None:
    shown = diff('  auth_pass "canary1"\n', '  auth_pass "canary2"\n')
    assert shown[3:] == ["-  auth_pass (redacted)", "+  auth_pass (redacted; it changes)"]


def test_a_password_that_goes_or_comes_is_not_shown() -> None:
    assert "canary" not in "\n".join(diff("a\n", 'a\n auth_pass "canary"\n'))
    assert "canary" not in "\n".join(diff('a\n auth_pass "canary"\n', "a\n"))


@pytest.mark.parametrize(
    "line",
    [
        'auth_pass "canary"',
        "  stats auth admin:canary",
        "user bob insecure-password canary",
        "user bob password $6$canary",
        "http-request set-header Authorization Basic\\ canary",
        "server a 198.51.100.1:80 # auth_pass of old: canary",
        "default-server check # stats auth admin:canary",
    ],
)
def test_no_secret_is_shown(line: str) -> None:
    assert "canary" not in shown(f"a\n{line}\nb")
    assert shown(f"a\n{line}\nb").startswith("a\n")


def test_what_is_no_secret_is_shown() -> None:
    text = "# passwords are elsewhere\nbalance hdr(key)\n"
    assert shown(text) == text
