"""A container on a node, as a value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

# The engine itself considers a container stable after this time (moby: restartmanager).
RESTART_LOOP_SECONDS = 10


@dataclass(frozen=True)
class ObservedContainer:
    """A container, from `docker container inspect`.

    Attributes:
        name: without the leading slash.
        id: the full id.
        image_id: of the image it was created from.
        image: the image reference it was created with.
        cluster: the value of hadeploy's label; None on other containers.
        spec: the value of hadeploy's label, or None.
        role: the value of hadeploy's label, or None.
        status: created, running, paused, restarting, removing, exited or dead.
        started: seconds since the epoch; 0.0 if never.
        restarts: the number of restarts by the engine.
        exit_code: of the last run.
        pid: of its first process on the node; 0 if it does not run.
    """

    name: str
    id: str
    image_id: str
    image: str
    cluster: str | None
    spec: str | None
    role: str | None
    status: str
    started: float
    restarts: int
    exit_code: int
    pid: int
    raw: dict[str, Any] = field(repr=False, compare=False)

    @property
    def running(self) -> bool:
        """Whether its process runs now."""
        return self.status == "running"

    def restarts_in_a_loop(self, now: int) -> bool:
        """Whether the engine restarts it repeatedly; between restarts, its status is running.

        Args:
            now: the node's clock, seconds since the epoch.
        """
        young = self.running and now - self.started < RESTART_LOOP_SECONDS
        return self.status == "restarting" or (young and self.restarts > 0)
