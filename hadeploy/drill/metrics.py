"""The metrics of a round, computed from its events and requests. Pure."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hadeploy.drill.round import Event, Request, Round


@dataclass(frozen=True)
class Metrics:
    """The metrics of a round; durations are in seconds from the start of the failure.

    Attributes:
        began: the start of the failure, in seconds since the epoch.
        moved: whether the VIP had to move.
        detected: time until a keepalived detected the failure; None if none did.
        taken_over: time until a node bound the VIP again: a node without a failure if there is one;
            None if no node did. A holder whose keepalived was killed may bind it again itself.
        successor: the node of `taken_over`.
        vip_path: the nodes that bound the VIP, in order.
        holders_at_repair: the holders when the repair began.
        outage: the longest time without an answer; None without requests.
        outage_began: the start of the outage, relative to the failure.
        failed: the number of requests without an answer.
        requests: the number of all requests.
        double: how long more than one node had the VIP.
        failed_back: whether the first holder has the VIP again at the end.
        holders: the holders at the end.
    """

    began: float
    moved: bool
    detected: float | None
    taken_over: float | None
    successor: str | None
    vip_path: tuple[str, ...]
    holders_at_repair: tuple[str, ...]
    outage: float | None
    outage_began: float | None
    failed: int
    requests: int
    double: float
    failed_back: bool
    holders: tuple[str, ...]


def metrics_of(round_: Round) -> Metrics:
    """Compute the metrics of a round with at least one `breaking` event."""
    began = min(event.at for event in round_.events if event.kind == "breaking")
    after = [event for event in round_.events if event.at >= began]
    binds = [event for event in after if event.kind == "bound"]
    # The first victim may be detected before the failure of the last one begins.
    bound = next((e for e in binds if e.node not in round_.victims), next(iter(binds), None))
    repair = min((event.at for event in after if event.kind == "mending"), default=math.inf)
    detection = next((e for e in after if _shows_detection(e, round_)), None)
    gap = longest_gap(round_.requests) if round_.requests else None
    last_holders = holders_at(round_, math.inf)
    return Metrics(
        began=began,
        moved=round_.holder in round_.victims,
        detected=detection.at - began if detection else None,
        taken_over=bound.at - began if bound else None,
        successor=bound.node if bound else None,
        vip_path=tuple(node for node, _ in itertools.groupby(event.node for event in binds)),
        holders_at_repair=holders_at(round_, repair),
        outage=gap[0] if gap else None,
        outage_began=gap[1] - began if gap else None,
        failed=sum(1 for request in round_.requests if request.error),
        requests=len(round_.requests),
        double=_double(round_),
        failed_back=last_holders == (round_.holder,),
        holders=last_holders,
    )


def _shows_detection(event: Event, round_: Round) -> bool:
    """Whether the event shows that keepalived, on a victim or elsewhere, detected the failure."""
    if event.node in round_.victims:
        return (event.kind, event.what) in (("check", "failed"), ("state", "FAULT"))
    return (event.kind, event.what) == ("state", "MASTER") or event.kind == "bound"


def longest_gap(requests: Sequence[Request]) -> tuple[float, float]:
    """The longest time without an answer, and when it began.

    Args:
        requests: at least one, ordered by the time when they were due.
    """
    answers = sorted(request.ended for request in requests if not request.error)
    # If answers arrive after the last request was due, no answer is missing at the end.
    last = max([requests[-1].due, *answers[-1:]])
    times = [requests[0].due, *answers, last]
    return max((later - earlier, earlier) for earlier, later in itertools.pairwise(times))


def held(round_: Round) -> Iterator[tuple[str, float, float | None]]:
    """The periods with a VIP: node, start, end; the end is None if the round ended first.

    With several VIPs, a period lasts as long as the node has any of them.
    """
    start = round_.events[0].at
    since = {round_.holder: dict.fromkeys(round_.vips, start)}
    for event in round_.events:
        bound = since.setdefault(event.node, {})
        if event.kind == "bound":
            bound.setdefault(event.what, event.at)
        elif event.kind == "unbound" and bound:
            began = min(bound.values())
            bound.pop(event.what, None)
            if not bound:
                yield event.node, began, event.at
    for node, bound in since.items():
        if bound:
            yield node, min(bound.values()), None


def holders_at(round_: Round, moment: float) -> tuple[str, ...]:
    """The nodes with a VIP at a time; infinity: at the end."""
    return tuple(
        sorted(
            node
            for node, since, until in held(round_)
            if since <= moment and (until is None or until > moment)
        )
    )


def _double(round_: Round) -> float:
    """Seconds with more than one holder."""
    end = round_.events[-1].at
    changes: list[tuple[float, int]] = []
    for _, since, until in held(round_):
        changes += [(since, 1), (end if until is None else until, -1)]
    # One pass: a node may report any number of changes.
    total, holders, before = 0.0, 0, end
    for at, change in sorted(changes):
        total += at - before if holders > 1 else 0.0
        holders, before = holders + change, at
    return total
