"""How a file changes, as a unified diff without secrets. Pure."""

from __future__ import annotations

import difflib
import re

from hadeploy.desired.desired_node import File
from hadeploy.observe.observed_node import ObservedFile

# A file with more lines than that and twice as many as ours has is not compared: it may take hours.
MOST_LINES = 1000
REDACTED = "(redacted)"
CHANGED = "(redacted; it changes)"

# What a reference to a secret, or its place, looks like: no secret.
_REFERENCE = r"(?!env:|file:|cmd:|None\b|null\b|\(redacted)"
_SENSITIVE = r"(?:auth|cookie|token|secret|key|pass)"
# Every repetition has a bound, or a long line of one word would take minutes.
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
# name: value, name=value, and headers of HTTP in a request.
_NAME = (
    r"(?:password|passwd|passphrase|secret(?:_\w{0,40})?|token|(?:api|access|private)_?key"
    r"|authorization|(?<!set-)cookie)"
)
NAMED = rf"{_NAME}[\"']?[ \t]{{0,9}}[:=][ \t\\]{{0,9}}[\"']?{_REFERENCE}"
# Up to the secret, which is the rest of the line, also of a line that was commented out.
_SECRETS = re.compile(
    rf"^(.*?(?:(?:{_BEFORE_A_SPACE})[ \t\\]+|{NAMED}))([^ \t\\\n].*)$", re.M | re.I
)


def file_diff(desired: File, there: ObservedFile | None) -> tuple[str, ...]:
    """The lines of a unified diff from what is there to what should be; none for a new file.

    Args:
        desired: what should be.
        there: what is, or None.
    """
    if there is None:
        return ()
    return difference(there.content, desired.content, desired.path, "on the node")


def difference(theirs: bytes, ours: str, name: str, whose: str) -> tuple[str, ...]:
    """The lines of a unified diff, without secrets; that one changes is told.

    Args:
        theirs: the file that is there.
        ours: the one that is wanted.
        name: how the file is called in both headings.
        whose: where the first one comes from, in words.
    """
    old = theirs.decode("utf-8", "replace")
    heads = f"{name} ({whose})", f"{name} (wanted)"
    count = old.count("\n")
    if count > MOST_LINES + 2 * ours.count("\n"):
        told = f"@@ {count} lines: too many to compare @@"
        return (f"--- {heads[0]}", f"+++ {heads[1]}", told)
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
        mark: what stands in their place.
    """
    return _SECRETS.sub(rf"\g<1>{mark}", text)


def secrets_in(text: str) -> list[str]:
    """What `shown` would leave out, for comparing and for looking elsewhere."""
    return [found[2] for found in _SECRETS.finditer(text)]
