"""Many logs as one, by time. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from hadeploy.logs.lines import Line


def merged(lines: Iterable[Line]) -> list[Line]:
    """All lines by time; those of the same time stay in their order."""
    return sorted(lines, key=lambda line: line.at)


class Window:
    """Puts lines that are still coming into order: each waits a moment for older ones.

    Args:
        seconds: how long.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._waiting: list[tuple[float, Line]] = []

    @property
    def due(self) -> float | None:
        """When the next line has waited; None if there is none."""
        return self._waiting[0][0] + self._seconds if self._waiting else None

    def add(self, line: Line, now: float) -> None:
        """A line has come.

        Args:
            line: from any node.
            now: in seconds, by any clock that only goes forward.
        """
        self._waiting.append((now, line))

    def ready(self, now: float) -> list[Line]:
        """Take out the lines that have waited, and with them all that are older, by time."""
        waited = [line.at for came, line in self._waiting if came + self._seconds <= now]
        if not waited:
            return []
        until = max(waited)
        lines = [line for _, line in self._waiting if line.at <= until]
        self._waiting = [entry for entry in self._waiting if entry[1].at > until]
        return merged(lines)
