"""What was measured, and what follows from it; pure. All times are seconds."""

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
    """One new connection with one request.

    Args:
        due: when it was to start, on any one clock.
        started: when it did; later than due if the probe itself was held up.
        ended: when it was answered in full, or had failed.
        error: why it failed; empty if it was answered.
    """

    due: float
    started: float
    ended: float
    error: str = ""


@dataclass(frozen=True)
class LongLived:
    """One connection that was opened before the change.

    Args:
        kind: what it does.
        error: how it broke; empty if it lives.
        broke: when, on the clock of the requests; None if it lives.
    """

    kind: str
    error: str = ""
    broke: float | None = None


@dataclass(frozen=True)
class Observed:
    """What a probe saw.

    Args:
        requests: all of them, in the order in which they were due; one at least.
        long_lived: all connections that were opened first.
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
        changed: when the change began, on the clock of the probe.
        took: seconds that the tool worked.
        trouble: what went wrong apart from the traffic; empty if nothing did.
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
        """The requests that were answered, but after more than a second."""
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
        """Seconds after the change began at which that time began."""
        return self._gap[1] - self.changed

    @property
    def late(self) -> float:
        """Seconds: how late the probe itself was at worst; a gap cannot be told from it."""
        return max(request.started - request.due for request in self.requests)

    def troubles(self) -> list[str]:
        """Every kind of failure, with how often and when after the change began."""
        told = [self.trouble] if self.trouble else []
        for what, events in (
            ("request", [(r.error, r.due) for r in self.failed]),
            ("long-lived connection", [(c.error, c.broke or 0.0) for c in self.cut]),
        ):
            for error, count in Counter(error for error, _ in events).most_common():
                times = [when - self.changed for said, when in events if said == error]
                span = f"{min(times):.1f}"
                if max(times) - min(times) >= 0.1:
                    span += f" to {max(times):.1f}"
                told.append(f"{count} {what}{'s'[: count > 1]}: {error} ({span} s)")
        return told


@dataclass(frozen=True)
class Row:
    """All rounds of one change with one tool."""

    change: str
    tool: str
    reload: bool
    measurements: Sequence[Measurement]

    @property
    def requests(self) -> int:
        """How many there were."""
        return sum(len(m.requests) for m in self.measurements)

    @property
    def failed(self) -> int:
        """How many were not answered."""
        return sum(len(m.failed) for m in self.measurements)

    @property
    def slow(self) -> int:
        """How many were answered after more than a second."""
        return sum(len(m.slow) for m in self.measurements)

    @property
    def gap(self) -> float:
        """Seconds: the longest time without an answer, in the worst round."""
        return max(m.gap for m in self.measurements)

    @property
    def late(self) -> float:
        """Seconds: how late the probe itself was, in the worst round."""
        return max(m.late for m in self.measurements)

    @property
    def cut(self) -> int:
        """How many long-lived connections broke."""
        return sum(len(m.cut) for m in self.measurements)

    @property
    def long_lived(self) -> int:
        """How many long-lived connections there were."""
        return sum(len(m.long_lived) for m in self.measurements)

    @property
    def took(self) -> float:
        """Seconds that the tool worked, in the median round."""
        return median(m.took for m in self.measurements)

    def missed(self, gap: float) -> list[str]:
        """What falls short of the bar: none failed, and for a reload none cut and a short gap.

        Args:
            gap: seconds that a reload may have without an answer.
        """
        told = [f"{m.trouble} (round {i})" for i, m in enumerate(self.measurements, 1) if m.trouble]
        if self.failed:
            told.append(f"{self.failed} requests failed")
        if self.reload and self.cut:
            told.append(f"{self.cut} long-lived connections were cut")
        if self.reload and self.gap >= gap:
            told.append(f"{self.gap * 1000:.0f} ms without an answer")
        return told


def longest_gap(answers: Iterable[float], first: float, last: float) -> tuple[float, float]:
    """The longest time without an answer.

    Args:
        answers: when requests were answered, in any order.
        first: when the first request was due.
        last: when the last one was.

    Returns:
        How long it was, and when it began.
    """
    times = [first, *sorted(answers)]
    # Answers may come after the last request was due: then nothing was missed at the end.
    times.append(max(last, times[-1]))
    return max((later - earlier, earlier) for earlier, later in itertools.pairwise(times))
