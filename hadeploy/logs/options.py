"""The options of `logs`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hadeploy.desired.roles import ROLES, Role


@dataclass(frozen=True)
class LogOptions:
    """Which log lines to show.

    Attributes:
        containers: the containers to read.
        since: a duration or a time for `docker logs --since`; None: from the beginning.
        tail: the number of last lines of each container; None: all.
        grep: only lines that match; None: all.
    """

    containers: tuple[Role, ...] = ROLES
    since: str | None = None
    tail: int | None = None
    grep: re.Pattern[str] | None = None
