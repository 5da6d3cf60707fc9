"""Parses the argument of `--since`. Pure."""

from __future__ import annotations

import re
from datetime import datetime, timezone

_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:h|m|s|ms))+")
_EPOCH = re.compile(r"\d{9,}(?:\.\d{1,9})?")
_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d)?(?:\.(\d{1,6})\d*)?)?(Z|[+-]\d\d:\d\d)?"
)


def docker_since(text: str) -> str:
    """The argument for `docker logs --since`, independent of the time zone of the node.

    Args:
        text: a duration (90s, 10m, 1h30m) by the clock of each node, or a time: 2026-07-03,
            2026-07-03T14:05, 2026-07-03T14:05:30.5Z, 2026-07-03T14:05+02:00, or seconds since the
            epoch. Without a zone, the time is in UTC, as in the output of `logs`.

    Raises:
        ValueError: neither a duration nor a time.
    """
    if _DURATION.fullmatch(text) or _EPOCH.fullmatch(text):
        return text
    found = _MOMENT.fullmatch(text)
    if not found:
        raise ValueError("neither a duration (90s, 10m, 1h30m) nor a time (2026-07-03T14:05:30Z)")
    day, minutes, seconds, fraction, zone = found.groups()
    offset = "+00:00" if zone in (None, "Z") else zone
    moment = datetime.fromisoformat(
        f"{day}T{minutes or '00:00'}{seconds or ':00'}.{(fraction or '').ljust(6, '0')}{offset}"
    )
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
