"""Unified diffs of files, without secrets. Pure."""

from __future__ import annotations

import difflib
import re

from hadeploy.desired.desired_node import File
from hadeploy.observe.observed_node import ObservedFile

# A file with more lines, beyond twice those of the desired file, is not compared: that may take
# hours.
MOST_LINES = 1000
REDACTED = "(redacted)"
CHANGED = "(redacted; it changes)"

# References to secrets are not secret.
_REFERENCE = r"(?!env:|file:|cmd:|None\b|null\b|\(redacted)"
_SENSITIVE = r"(?:auth|cookie|token|secret|key|pass)"
# Every repetition has a limit; otherwise a long line of one word would take minutes.
_BEFORE_A_SPACE = "|".join(
    (
        r"\bauth_pass",
        r"\bstats[ \t]{1,9}auth",
        r"password|passwd|passphrase|secret|token",
        r"\bkey|_key",
        rf"\b(?:(?:set|add|replace)-header|replace-value|hdr)[ \t]{{1,9}}\S{{0,80}}{_SENSITIVE}"
        r"\S{0,80}",
        rf"\bhdr(?:_\w{{1,9}})?\([^)\s]{{0,80}}{_SENSITIVE}[^)\s]{{0,80}}\)",
        r"\bcurl\b.{0,400}?[ \t](?:-u|--user|--proxy-user)",
        r"(?<!\S)--pass",
    )
)
# name: value, name=value, and HTTP headers.
_NAME = (
    r"(?:password|passwd|passphrase|secret(?:_\w{0,40})?|token|(?:api|access|private)_?key"
    r"|authorization|(?<!set-)cookie)"
)
NAMED = rf"{_NAME}[\"']?[ \t]{{0,9}}[:=][ \t\\]{{0,9}}[\"']?{_REFERENCE}"
# The secret is the rest of the line, also in a comment.
_SECRETS = re.compile(
    rf"^(.*?(?:(?:{_BEFORE_A_SPACE})[ \t\\]+|{NAMED}))([^ \t\\\n].*)$", re.M | re.I
)


def file_diff(desired: File, current: ObservedFile | None) -> tuple[str, ...]:
    """The lines of a unified diff from the current to the desired file; empty for a new file."""
    if current is None:
        return ()
    return difference(current.content, desired.content, desired.path, "on the node")


def difference(theirs: bytes, ours: str, name: str, whose: str) -> tuple[str, ...]:
    """The lines of a unified diff without secrets; it only shows whether a secret changes.

    Args:
        theirs: the current file.
        ours: the desired file.
        name: the name of the file in both headings.
        whose: the origin of the current file, in words.
    """
    old = theirs.decode("utf-8", "replace")
    heads = f"{name} ({whose})", f"{name} (wanted)"
    count = old.count("\n")
    if count > MOST_LINES + 2 * ours.count("\n"):
        return (
            f"--- {heads[0]}",
            f"+++ {heads[1]}",
            f"@@ {count} lines: too many to compare @@",
        )
    mark = REDACTED if secrets_in(old) == secrets_in(ours) else CHANGED
    return tuple(
        difflib.unified_diff(
            shown(old).splitlines(),
            shown(ours, mark).splitlines(),
            *heads,
            lineterm="",
            n=2,
        )
    )


def shown(text: str, mark: str = REDACTED) -> str:
    """The text without passwords, keys and credentials.

    Args:
        text: of haproxy.cfg or keepalived.conf.
        mark: the replacement.
    """
    return _SECRETS.sub(rf"\g<1>{mark}", text)


def secrets_in(text: str) -> list[str]:
    """The secrets that `shown` replaces."""
    return [found[2] for found in _SECRETS.finditer(text)]
