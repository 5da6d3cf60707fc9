"""A round as lanes of spans, for the timelines on the terminal and in the report. Pure.

All times are seconds, relative to the start of the failure.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from hadeploy.desired.roles import Role
from hadeploy.drill.metrics import Metrics, held
from hadeploy.drill.round import Event, Probing, Request, Round
from hadeploy.inventory.cluster import Cluster

State = Literal[
    "broken",
    "held",
    "MASTER",
    "BACKUP",
    "FAULT",
    "up",
    "hung",
    "stopping",
    "down",
    "starting",
    "answered",
    "late",
    "failed",
]
Tone = Literal["good", "quiet", "passing", "bad"]
TONES: dict[State, Tone] = {
    "broken": "bad",
    "held": "good",
    "MASTER": "good",
    "BACKUP": "quiet",
    "FAULT": "bad",
    "up": "quiet",
    "hung": "bad",
    "stopping": "passing",
    "down": "bad",
    "starting": "passing",
    "answered": "quiet",
    "late": "passing",
    "failed": "bad",
}
_VRRP: dict[str, State] = {"MASTER": "MASTER", "BACKUP": "BACKUP", "FAULT": "FAULT"}
# Start, state, and priority or "".
_StateChange = tuple[float, State, str]
# Minimum and maximum before the failure; seconds and share of the time after the last event.
BEFORE_SECONDS = (0.25, 1.0)
AFTER_SECONDS, AFTER_SHARE = 0.4, 0.06
# An answer is late if more than this number of requests were due since the previous answer.
LATE_REQUESTS = 5


@dataclass(frozen=True)
class Span:
    """A state from `since` until `until`; `priority` is the VRRP priority of keepalived."""

    since: float
    until: float
    state: State
    priority: str = ""

    @property
    def tone(self) -> Tone:
        """The tone of the state."""
        return TONES[self.state]

    @property
    def labels(self) -> tuple[str, ...]:
        """Texts for the span, the longest first."""
        return (f"{self.state} {self.priority}", self.state) if self.priority else (self.state,)


@dataclass(frozen=True)
class Lane:
    """One row of the timeline; the spans are in order and do not overlap."""

    name: str
    spans: tuple[Span, ...]


@dataclass(frozen=True)
class Group:
    """The lanes of a node, or of the clients."""

    title: str
    lanes: tuple[Lane, ...]


@dataclass(frozen=True)
class Moment:
    """A time that a metric refers to."""

    at: float
    what: str


@dataclass(frozen=True)
class Timeline:
    """The timeline of a round.

    Attributes:
        start: the start of the axis; negative.
        end: the end of the axis.
        groups: the nodes in the order of the inventory, then the clients.
        moments: ordered by time.
        outage: the longest time without an answer; None if all answers came in time.
    """

    start: float
    end: float
    groups: tuple[Group, ...]
    moments: tuple[Moment, ...]
    outage: Span | None


def timeline(round_: Round, metrics: Metrics, cluster: Cluster) -> Timeline:
    """Build the timeline of a round.

    Args:
        round_: the round.
        metrics: its metrics.
        cluster: has the nodes and the names of the containers.
    """
    events = [dataclasses.replace(event, at=event.at - metrics.began) for event in round_.events]
    requests = [
        Request(request.due - metrics.began, request.ended - metrics.began, request.error)
        for request in round_.requests
    ]
    drawing = _Drawing(round_, events, *_window(events, requests), cluster)
    groups = [
        Group(node.label, tuple(drawing.lanes(node.label, metrics.began))) for node in cluster.nodes
    ]
    outage = None
    if round_.probing and requests:
        answers = drawing.clipped(_answers(requests, round_.probing))
        groups.append(Group("clients", (Lane("answers", answers),)))
        if metrics.outage is not None and metrics.outage_began is not None:
            longest = Span(metrics.outage_began, metrics.outage_began + metrics.outage, "failed")
            quiet = all(span.state == "answered" for span in answers)
            outage = None if quiet else longest
    return Timeline(
        drawing.start, drawing.end, tuple(groups), tuple(_moments(events, metrics)), outage
    )


@dataclass(frozen=True)
class _Drawing:
    round: Round
    events: Sequence[Event]
    start: float
    end: float
    cluster: Cluster

    def lanes(self, node: str, began: float) -> Iterable[Lane]:
        """The lanes of a node; lanes without a span are left out."""
        events = [event for event in self.events if event.node == node]
        haproxy, keepalived = self.cluster.container_names
        optional = (Lane("drill", self._broken(events)), Lane("VIP", self._held(node, began)))
        yield from (lane for lane in optional if lane.spans)
        yield Lane("keepalived", self._states(self._keepalived(node, events, keepalived)))
        yield Lane(
            "haproxy", self._states(_haproxy(events, haproxy, frozen=self._froze("haproxy")))
        )

    def clipped(self, spans: Iterable[Span]) -> tuple[Span, ...]:
        """The spans, clipped to the axis."""
        inside = (
            dataclasses.replace(
                span, since=max(span.since, self.start), until=min(span.until, self.end)
            )
            for span in spans
        )
        return tuple(span for span in inside if span.until > span.since)

    def _broken(self, events: Sequence[Event]) -> tuple[Span, ...]:
        since = next((e.at for e in events if e.kind == "breaking"), None)
        until = next((e.at for e in events if e.kind == "mended"), self.end)
        return () if since is None else self.clipped([Span(since, until, "broken")])

    def _held(self, node: str, began: float) -> tuple[Span, ...]:
        first = self.round.events[0].at
        return self.clipped(
            Span(
                # It had the VIP before the first event.
                self.start if node == self.round.holder and since == first else since - began,
                self.end if until is None else until - began,
                "held",
            )
            for holder, since, until in held(self.round)
            if holder == node
        )

    def _froze(self, role: Role) -> bool:
        return self.round.scenario.freezes == role

    def _keepalived(
        self, node: str, events: Sequence[Event], container: str
    ) -> Iterable[_StateChange]:
        state: State = "MASTER" if node == self.round.holder else "BACKUP"
        priority = str(dict(self.round.priorities).get(node, ""))
        changes = [event for event in events if event.kind == "priority"]
        yield -math.inf, state, priority
        for event in events:
            if event.kind == "state":
                state = _VRRP[event.what]
                yield event.at, state, priority
            elif event.kind == "priority":
                _, priority = event.what.split()
                yield event.at, state, priority
            elif self._froze("keepalived") and event.kind in ("breaking", "mended"):
                if event.kind == "breaking":
                    yield event.at, "hung", ""
                else:
                    yield event.at, state, priority
            elif event.kind == "container":
                for at, state in _container(event, container, "starting"):
                    if state == "starting":
                        # A new process starts without the weight of its check: use the next change.
                        later = (change.what.split()[0] for change in changes if change.at > at)
                        priority = next(later, priority)
                    yield at, state, ""

    def _states(self, changes: Iterable[_StateChange]) -> tuple[Span, ...]:
        """Spans of the states; equal states in a row are one span."""
        spans: list[Span] = []
        for (state, priority), group in itertools.groupby(changes, lambda change: change[1:]):
            since = next(iter(group))[0]
            if spans:
                spans[-1] = dataclasses.replace(spans[-1], until=since)
            spans.append(Span(since, self.end, state, priority))
        return self.clipped(spans)


def _window(events: Sequence[Event], requests: Sequence[Request]) -> tuple[float, float]:
    """The start and the end of the axis."""
    least, most = BEFORE_SECONDS
    before = -requests[0].due if requests else 0.0
    last = max(
        [
            *(event.at for event in events if event.kind != "log"),
            *(request.due for request in requests if request.error),
        ]
    )
    return -min(max(before, least), most), last + max(AFTER_SECONDS, AFTER_SHARE * last)


def _haproxy(events: Iterable[Event], container: str, *, frozen: bool) -> Iterable[_StateChange]:
    yield -math.inf, "up", ""
    for event in events:
        if event.kind == "container":
            yield from ((at, state, "") for at, state in _container(event, container, "up"))
        # The engine does not report a frozen process.
        elif frozen and event.kind in ("breaking", "mended"):
            yield event.at, "hung" if event.kind == "breaking" else "up", ""


def _container(event: Event, name: str, started: State) -> Iterable[tuple[float, State]]:
    states: dict[str, State] = {"kill": "stopping", "die": "down", "start": started}
    container, _, action = event.what.rpartition(" ")
    if container == name and action in states:
        yield event.at, states[action]


def _answers(requests: Sequence[Request], probing: Probing) -> Iterable[Span]:
    """Spans between answers; equal states in a row are one span."""
    answers = sorted(request.ended for request in requests if not request.error)
    edges = [requests[0].due, *answers, max([requests[-1].due, *answers[-1:]])]
    # When an answer was expected; a request that hangs ends much later.
    missed = [min(r.ended, r.due + 1 / probing.rate) for r in requests if r.error]
    gaps = [
        Span(since, until, _answered(since, until, missed, probing))
        for since, until in itertools.pairwise(edges)
    ]
    for state, group in itertools.groupby(gaps, key=lambda gap: gap.state):
        spans = list(group)
        yield Span(spans[0].since, spans[-1].until, state)


def _answered(since: float, until: float, missed: Sequence[float], probing: Probing) -> State:
    if any(since <= at < until for at in missed):
        return "failed"
    return "late" if until - since > LATE_REQUESTS / probing.rate else "answered"


def _moments(events: Sequence[Event], metrics: Metrics) -> Iterable[Moment]:
    repaired = max((event.at for event in events if event.kind == "mended"), default=None)
    times = (
        (0.0, "failure"),
        (metrics.detected if metrics.moved else None, "detected"),
        (metrics.taken_over, "taken over"),
        (repaired, "repaired"),
    )
    moments = [Moment(at, what) for at, what in times if at is not None]
    return sorted(moments, key=lambda moment: moment.at)
