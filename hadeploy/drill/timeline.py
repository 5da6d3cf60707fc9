"""A round as lanes of spans: what the terminal and the report both draw. Pure.

All times are seconds, relative to the moment when the breaking began.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from hadeploy.desired.desired_node import Role
from hadeploy.drill.metrics import held
from hadeploy.drill.trial import Event, Figures, Probing, Request, Round
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
# From when on, in which state, and with which priority, or "".
_Look = tuple[float, State, str]
# How much is shown before the breaking, and after the last thing that happened.
BEFORE_SECONDS = (0.25, 1.0)
AFTER_SECONDS, AFTER_SHARE = 0.4, 0.06
# So many requests may be due between two answers before it is told as late.
LATE_REQUESTS = 5


@dataclass(frozen=True)
class Span:
    """For how long something was in a state; `priority` is what keepalived then competes with."""

    since: float
    until: float
    state: State
    priority: str = ""

    @property
    def tone(self) -> Tone:
        """How good that is."""
        return TONES[self.state]

    @property
    def words(self) -> tuple[str, ...]:
        """What is written on it, the longest first, for where there is less room."""
        return (f"{self.state} {self.priority}", self.state) if self.priority else (self.state,)


@dataclass(frozen=True)
class Lane:
    """What became of one thing; the spans are in order and do not overlap."""

    name: str
    spans: tuple[Span, ...]


@dataclass(frozen=True)
class Group:
    """The lanes of a node, or of those who ask through the VIP."""

    title: str
    lanes: tuple[Lane, ...]


@dataclass(frozen=True)
class Moment:
    """Something that a figure is measured to."""

    at: float
    what: str


@dataclass(frozen=True)
class Timeline:
    """What is drawn of a round.

    Attributes:
        start: where it begins; negative.
        end: where it ends.
        groups: the nodes in the inventory's order, and who asks through the VIP.
        moments: in their order.
        outage: the longest time without an answer; None if all were answered in time.
    """

    start: float
    end: float
    groups: tuple[Group, ...]
    moments: tuple[Moment, ...]
    outage: Span | None


def timeline(round_: Round, seen: Figures, cluster: Cluster) -> Timeline:
    """What is drawn of a round.

    Args:
        round_: what happened.
        seen: its figures.
        cluster: tells the nodes, and which container is which.
    """
    events = [dataclasses.replace(event, at=event.at - seen.began) for event in round_.events]
    requests = [
        Request(request.due - seen.began, request.ended - seen.began, request.error)
        for request in round_.requests
    ]
    drawing = _Drawing(round_, events, *_window(events, requests), cluster)
    groups = [
        Group(node.label, tuple(drawing.lanes(node.label, seen.began))) for node in cluster.nodes
    ]
    outage = None
    if round_.probing and requests:
        answers = drawing.clipped(_answers(requests, round_.probing))
        groups.append(Group("clients", (Lane("answers", answers),)))
        if seen.outage is not None and seen.outage_began is not None:
            longest = Span(seen.outage_began, seen.outage_began + seen.outage, "failed")
            quiet = all(span.state == "answered" for span in answers)
            outage = None if quiet else longest
    return Timeline(
        drawing.start, drawing.end, tuple(groups), tuple(_moments(events, seen)), outage
    )


@dataclass(frozen=True)
class _Drawing:
    round: Round
    events: Sequence[Event]
    start: float
    end: float
    cluster: Cluster

    def lanes(self, node: str, began: float) -> Iterable[Lane]:
        """The lanes of a node; what never happened there has none."""
        mine = [event for event in self.events if event.node == node]
        haproxy, keepalived = self.cluster.container_names
        optional = (Lane("drill", self._broken(mine)), Lane("VIP", self._held(node, began)))
        yield from (lane for lane in optional if lane.spans)
        yield Lane("keepalived", self._states(self._keepalived(node, mine, keepalived)))
        yield Lane("haproxy", self._states(_haproxy(mine, haproxy, frozen=self._froze("haproxy"))))

    def clipped(self, spans: Iterable[Span]) -> tuple[Span, ...]:
        """Those that are seen, as far as they are."""
        inside = (
            dataclasses.replace(
                span, since=max(span.since, self.start), until=min(span.until, self.end)
            )
            for span in spans
        )
        return tuple(span for span in inside if span.until > span.since)

    def _broken(self, mine: Sequence[Event]) -> tuple[Span, ...]:
        since = next((e.at for e in mine if e.kind == "breaking"), None)
        until = next((e.at for e in mine if e.kind == "mended"), self.end)
        return () if since is None else self.clipped([Span(since, until, "broken")])

    def _held(self, node: str, began: float) -> tuple[Span, ...]:
        first = self.round.events[0].at
        return self.clipped(
            Span(
                # It had it before anything was heard.
                self.start if node == self.round.holder and since == first else since - began,
                self.end if until is None else until - began,
                "held",
            )
            for who, since, until in held(self.round)
            if who == node
        )

    def _froze(self, role: Role) -> bool:
        return self.round.scenario.freezes == role

    def _keepalived(self, node: str, mine: Sequence[Event], container: str) -> Iterable[_Look]:
        state: State = "MASTER" if node == self.round.holder else "BACKUP"
        priority = str(dict(self.round.priorities).get(node, ""))
        changes = [event for event in mine if event.kind == "priority"]
        yield -math.inf, state, priority
        for event in mine:
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
                        # Anew, without the weight of its check: the next change tells.
                        later = (change.what.split()[0] for change in changes if change.at > at)
                        priority = next(later, priority)
                    yield at, state, ""

    def _states(self, looks: Iterable[_Look]) -> tuple[Span, ...]:
        """Those that are alike in a row as one span; the first one is there from the start."""
        spans: list[Span] = []
        for (state, priority), alike in itertools.groupby(looks, lambda look: look[1:]):
            since = next(iter(alike))[0]
            if spans:
                spans[-1] = dataclasses.replace(spans[-1], until=since)
            spans.append(Span(since, self.end, state, priority))
        return self.clipped(spans)


def _window(events: Sequence[Event], requests: Sequence[Request]) -> tuple[float, float]:
    """From when until when it is drawn: as long as something happens."""
    least, most = BEFORE_SECONDS
    before = -requests[0].due if requests else 0.0
    last = max(
        [
            *(event.at for event in events if event.kind != "log"),
            *(request.due for request in requests if request.error),
        ]
    )
    return -min(max(before, least), most), last + max(AFTER_SECONDS, AFTER_SHARE * last)


def _haproxy(events: Iterable[Event], container: str, *, frozen: bool) -> Iterable[_Look]:
    yield -math.inf, "up", ""
    for event in events:
        if event.kind == "container":
            yield from ((at, state, "") for at, state in _container(event, container, "up"))
        # The engine does not know of a frozen process.
        elif frozen and event.kind in ("breaking", "mended"):
            yield event.at, "hung" if event.kind == "breaking" else "up", ""


def _container(event: Event, name: str, started: State) -> Iterable[tuple[float, State]]:
    does: dict[str, State] = {"kill": "stopping", "die": "down", "start": started}
    whose, _, action = event.what.rpartition(" ")
    if whose == name and action in does:
        yield event.at, does[action]


def _answers(requests: Sequence[Request], probing: Probing) -> Iterable[Span]:
    """What was between one answer and the next, the same in a row as one span."""
    answers = sorted(request.ended for request in requests if not request.error)
    edges = [requests[0].due, *answers, max([requests[-1].due, *answers[-1:]])]
    # When an answer would have come; one that hangs has its end much later.
    missed = [min(r.ended, r.due + 1 / probing.rate) for r in requests if r.error]
    gaps = [
        Span(since, until, _answered(since, until, missed, probing))
        for since, until in itertools.pairwise(edges)
    ]
    for state, alike in itertools.groupby(gaps, key=lambda gap: gap.state):
        spans = list(alike)
        yield Span(spans[0].since, spans[-1].until, state)


def _answered(since: float, until: float, missed: Sequence[float], probing: Probing) -> State:
    if any(since <= at < until for at in missed):
        return "failed"
    return "late" if until - since > LATE_REQUESTS / probing.rate else "answered"


def _moments(events: Sequence[Event], seen: Figures) -> Iterable[Moment]:
    mended = max((event.at for event in events if event.kind == "mended"), default=None)
    figures = (
        (0.0, "broken"),
        (seen.detected if seen.moved else None, "noticed"),
        (seen.taken_over, "taken over"),
        (mended, "mended"),
    )
    told = [Moment(at, what) for at, what in figures if at is not None]
    return sorted(told, key=lambda moment: moment.at)
