"""Merges the logs of several nodes by time. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from hadeploy.logs.lines import Line


def merged(lines: Iterable[Line]) -> list[Line]:
    """The lines sorted by time; lines with the same time keep their order."""
    return sorted(lines, key=lambda line: line.at)


class Window:
    """Sorts lines as they arrive: each line waits for older lines of other nodes.

    Args:
        seconds: the waiting time.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._waiting: list[tuple[float, Line]] = []

    @property
    def due(self) -> float | None:
        """When the waiting time of the next line ends; None without a line."""
        return self._waiting[0][0] + self._seconds if self._waiting else None

    def add(self, line: Line, now: float) -> None:
        """Add a line.

        Args:
            line: from any node.
            now: in seconds, by a monotonic clock.
        """
        self._waiting.append((now, line))

    def ready(self, now: float) -> list[Line]:
        """Remove and return the lines whose waiting time has ended, and all older ones, by time."""
        waited = [line.at for arrived, line in self._waiting if arrived + self._seconds <= now]
        if not waited:
            return []
        until = max(waited)
        lines = [line for _, line in self._waiting if line.at <= until]
        self._waiting = [entry for entry in self._waiting if entry[1].at > until]
        return merged(lines)
