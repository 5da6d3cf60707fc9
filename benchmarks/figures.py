"""Measurements of changes under traffic, and figures from them. Pure. All times are in seconds."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median

SLOW_SECONDS = 1.0


@dataclass(frozen=True)
class Request:
    """A new connection with one request.

    Args:
        due: its planned start, on any clock.
        started: its start; later than `due` if the probe itself was delayed.
        ended: the end of the answer, or the failure.
        error: why it failed, or "".
    """

    due: float
    started: float
    ended: float
    error: str = ""


@dataclass(frozen=True)
class LongLived:
    """A connection that was opened before the change.

    Args:
        kind: stream or keep-alive.
        error: how it broke, or "".
        broke: when it broke, on the clock of the requests, or None.
    """

    kind: str
    error: str = ""
    broke: float | None = None


@dataclass(frozen=True)
class Observed:
    """The results of a probe.

    Args:
        requests: in the order of `due`; at least one.
        long_lived: the connections that were opened first.
        stopped: when the last request was due.
    """

    requests: Sequence[Request]
    long_lived: Sequence[LongLived]
    stopped: float


@dataclass(frozen=True)
class Measurement:
    """One change under traffic.

    Args:
        observed: by the probe.
        changed: the start of the change, on the clock of the probe.
        took: the seconds that the tool took.
        trouble: an error of the tool, or "".
    """

    observed: Observed
    changed: float
    took: float
    trouble: str = ""

    @property
    def requests(self) -> Sequence[Request]:
        """All requests."""
        return self.observed.requests

    @property
    def long_lived(self) -> Sequence[LongLived]:
        """All connections that were opened before the change."""
        return self.observed.long_lived

    @property
    def failed(self) -> list[Request]:
        """The requests that were not answered."""
        return [request for request in self.requests if request.error]

    @property
    def slow(self) -> list[Request]:
        """The requests with an answer after more than a second."""
        answered = (request for request in self.requests if not request.error)
        return [request for request in answered if request.ended - request.due > SLOW_SECONDS]

    @property
    def cut(self) -> list[LongLived]:
        """The long-lived connections that broke."""
        return [connection for connection in self.long_lived if connection.error]

    @cached_property
    def _gap(self) -> tuple[float, float]:
        answers = (request.ended for request in self.requests if not request.error)
        return longest_gap(answers, self.requests[0].due, self.observed.stopped)

    @property
    def gap(self) -> float:
        """Seconds: the longest time without an answer."""
        return self._gap[0]

    @property
    def gap_began(self) -> float:
        """The start of that time, in seconds after the start of the change."""
        return self._gap[1] - self.changed

    @property
    def late(self) -> float:
        """Seconds: the maximum delay of the probe itself, which may also cause a gap."""
        return max(request.started - request.due for request in self.requests)

    def troubles(self) -> list[str]:
        """Every kind of failure, with its number and time after the start of the change."""
        found = [self.trouble] if self.trouble else []
        for what, events in (
            ("request", [(r.error, r.due) for r in self.failed]),
            ("long-lived connection", [(c.error, c.broke or 0.0) for c in self.cut]),
        ):
            for error, count in Counter(error for error, _ in events).most_common():
                times = [when - self.changed for other, when in events if other == error]
                span = f"{min(times):.1f}"
                if max(times) - min(times) >= 0.1:
                    span += f" to {max(times):.1f}"
                found.append(f"{count} {what}{'s'[: count > 1]}: {error} ({span} s)")
        return found


@dataclass(frozen=True)
class Row:
    """All rounds of one change with one tool."""

    change: str
    tool: str
    reload: bool
    measurements: Sequence[Measurement]

    @property
    def requests(self) -> int:
        """The number of requests."""
        return sum(len(m.requests) for m in self.measurements)

    @property
    def failed(self) -> int:
        """The number of failed requests."""
        return sum(len(m.failed) for m in self.measurements)

    @property
    def slow(self) -> int:
        """The number of requests with an answer after more than a second."""
        return sum(len(m.slow) for m in self.measurements)

    @property
    def gap(self) -> float:
        """Seconds: the longest time without an answer, in the worst round."""
        return max(m.gap for m in self.measurements)

    @property
    def late(self) -> float:
        """Seconds: the maximum delay of the probe itself, in the worst round."""
        return max(m.late for m in self.measurements)

    @property
    def cut(self) -> int:
        """The number of long-lived connections that broke."""
        return sum(len(m.cut) for m in self.measurements)

    @property
    def long_lived(self) -> int:
        """The number of long-lived connections."""
        return sum(len(m.long_lived) for m in self.measurements)

    @property
    def took(self) -> float:
        """The seconds that the tool took, in the median round."""
        return median(m.took for m in self.measurements)

    def missed(self, gap: float) -> list[str]:
        """The missed targets: no failures, and for a reload no broken connections and a short gap.

        Args:
            gap: the maximum seconds without an answer for a reload.
        """
        found = [
            f"{m.trouble} (round {i})" for i, m in enumerate(self.measurements, 1) if m.trouble
        ]
        if self.failed:
            found.append(f"{self.failed} requests failed")
        if self.reload and self.cut:
            found.append(f"{self.cut} long-lived connections broke")
        if self.reload and self.gap >= gap:
            found.append(f"{self.gap * 1000:.0f} ms without an answer")
        return found


def longest_gap(answers: Iterable[float], first: float, last: float) -> tuple[float, float]:
    """The longest time without an answer.

    Args:
        answers: the times of the answers, in any order.
        first: when the first request was due.
        last: when the last request was due.

    Returns:
        Its duration and its start.
    """
    times = [first, *sorted(answers)]
    # If answers arrive after the last request was due, there is no gap at the end.
    times.append(max(last, times[-1]))
    return max((later - earlier, earlier) for earlier, later in itertools.pairwise(times))
