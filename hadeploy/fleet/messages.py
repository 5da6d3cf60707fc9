"""Errors on their way from a cluster's process to the fleet's, between the lines for people; pure.

A record is one line of stderr that begins with RS, as in RFC 7464, and goes on with JSON.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from hadeploy.errors import HadeployError

MARK = "\x1e"


def record(errors: Sequence[HadeployError]) -> str:
    """The line that carries errors."""
    told = [{key: getattr(error, key) for key in _KEYS} for error in errors]
    return MARK + json.dumps(told)


def errors_in(line: str) -> list[HadeployError] | None:
    """The errors that a line carries.

    Returns:
        None if it is a line for people.
    """
    if not line.startswith(MARK):
        return None
    try:
        told: list[dict[str, Any]] = json.loads(line.removeprefix(MARK))
        return [HadeployError(one.pop("message"), **one) for one in told]
    except (ValueError, TypeError, KeyError, AttributeError):
        # Cut off, or not ours.
        return None


_KEYS = ("message", "node", "operation", "detail", "hint")
