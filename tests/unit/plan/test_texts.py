"""Diffs show what changes, and never a secret."""

from __future__ import annotations

from hadeploy.desired.model import File
from hadeploy.observe.model import ObservedFile
from hadeploy.plan.texts import file_diff


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


def test_a_changed_password_is_told_but_not_shown() -> None:
    shown = diff('  auth_pass "canary1"\n', '  auth_pass "canary2"\n')
    assert shown[3:] == ["-  auth_pass (redacted)", "+  auth_pass (redacted; it changes)"]


def test_a_password_that_goes_or_comes_is_not_shown() -> None:
    assert "canary" not in "\n".join(diff("a\n", 'a\n auth_pass "canary"\n'))
    assert "canary" not in "\n".join(diff('a\n auth_pass "canary"\n', "a\n"))
