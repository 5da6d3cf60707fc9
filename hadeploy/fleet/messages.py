"""How the process of a cluster sends its errors to the process of the fleet, on stderr. Pure.

A record is one line that begins with RS, as in RFC 7464, followed by JSON. All other lines of
stderr are text for the user.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from hadeploy.errors import HadeployError

MARK = "\x1e"


def record(errors: Sequence[HadeployError]) -> str:
    """Encode errors as one line."""
    return MARK + json.dumps([{key: getattr(error, key) for key in _KEYS} for error in errors])


def errors_in(line: str) -> list[HadeployError] | None:
    """The errors in a line.

    Returns:
        None if the line is text for the user.
    """
    if not line.startswith(MARK):
        return None
    try:
        errors: list[dict[str, Any]] = json.loads(line.removeprefix(MARK))
        return [HadeployError(error.pop("message"), **error) for error in errors]
    except (ValueError, TypeError, KeyError, AttributeError):
        # The line is truncated, or another program printed it.
        return None


_KEYS = ("message", "node", "operation", "detail", "hint")
