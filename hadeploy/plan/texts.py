"""How a file changes, as a unified diff without secrets. Pure."""

from __future__ import annotations

import difflib
import re

from hadeploy.adopt.secrets import shown
from hadeploy.desired.model import File
from hadeploy.observe.model import ObservedFile

REDACTED = "(redacted)"
CHANGED = "(redacted; it changes)"


def file_diff(desired: File, there: ObservedFile | None) -> tuple[str, ...]:
    """The lines of a unified diff from what is there to what should be; none for a new file.

    Args:
        desired: what should be.
        there: what is, or None.
    """
    if there is None:
        return ()
    old = there.content.decode("utf-8", "replace")
    new = desired.content
    mark = REDACTED if _secrets(old) == _secrets(new) else CHANGED
    return tuple(
        difflib.unified_diff(
            _redact(shown(old), REDACTED).splitlines(),
            _redact(shown(new), mark).splitlines(),
            f"{desired.path} (on the node)",
            f"{desired.path} (from the inventory)",
            lineterm="",
            n=2,
        )
    )


def _secrets(text: str) -> list[str]:
    return re.findall(r"^\s*auth_pass\s+(.*)$", text, re.M)


def _redact(text: str, mark: str) -> str:
    return re.sub(r"^(\s*auth_pass\s+).*$", rf"\g<1>{mark}", text, flags=re.M)
