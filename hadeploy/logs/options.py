"""Which lines of the logs are wanted."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hadeploy.desired.desired_node import ROLES, Role


@dataclass(frozen=True)
class LogOptions:
    """Which lines of the logs are wanted.

    Attributes:
        containers: of which containers.
        since: a duration or a time, as `docker logs --since` takes it; None: from the beginning.
        tail: only the last lines of each container, so many; None: all.
        grep: only lines that contain it; None: all.
    """

    containers: tuple[Role, ...] = ROLES
    since: str | None = None
    tail: int | None = None
    grep: re.Pattern[str] | None = None
