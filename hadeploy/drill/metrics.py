"""What follows from what was seen. Pure."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

from hadeploy.drill.trial import Event, Figures, Request, Round


def figures(round_: Round) -> Figures:
    """The figures of a round.

    Args:
        round_: with a `breaking` event at least.
    """
    began = min(event.at for event in round_.events if event.kind == "breaking")
    after = [event for event in round_.events if event.at >= began]
    moved = round_.holder in round_.victims
    binds = [event for event in after if event.kind == "bound"]
    # The first victim may be noticed before the last one is broken.
    bound = next((e for e in binds if e.node not in round_.victims), next(iter(binds), None))
    mending = min((event.at for event in after if event.kind == "mending"), default=math.inf)
    noticed = next((e for e in after if _notices(e, round_)), None)
    gap = longest_gap(round_.requests) if round_.requests else None
    at_the_end = holders_at(round_, math.inf)
    return Figures(
        began=began,
        moved=moved,
        detected=noticed.at - began if noticed else None,
        taken_over=bound.at - began if bound else None,
        successor=bound.node if bound else None,
        way=tuple(node for node, _ in itertools.groupby(event.node for event in binds)),
        left=holders_at(round_, mending),
        outage=gap[0] if gap else None,
        outage_began=gap[1] - began if gap else None,
        failed=sum(1 for request in round_.requests if request.error),
        requests=len(round_.requests),
        double=_double(round_),
        failed_back=at_the_end == (round_.holder,),
        holders=at_the_end,
    )


def _notices(event: Event, round_: Round) -> bool:
    """Whether it shows that keepalived, on a victim or elsewhere, has noticed."""
    if event.node in round_.victims:
        return (event.kind, event.what) in (("check", "failed"), ("state", "FAULT"))
    return (event.kind, event.what) == ("state", "MASTER") or event.kind == "bound"


def longest_gap(requests: Sequence[Request]) -> tuple[float, float]:
    """The longest time without an answer, and when it began.

    Args:
        requests: in the order in which they were due; one at least.
    """
    answers = sorted(request.ended for request in requests if not request.error)
    # Answers may come after the last request was due: then nothing was missed at the end.
    last = max([requests[-1].due, *answers[-1:]])
    times = [requests[0].due, *answers, last]
    return max((later - earlier, earlier) for earlier, later in itertools.pairwise(times))


def held(round_: Round) -> Iterator[tuple[str, float, float | None]]:
    """Who had the VIP: node, from when, until when; None: to the end.

    Where there are several VIPs, a node has them as long as it has any.
    """
    start = round_.events[0].at
    since = {round_.holder: dict.fromkeys(round_.vips, start)}
    for event in round_.events:
        mine = since.setdefault(event.node, {})
        if event.kind == "bound":
            mine.setdefault(event.what, event.at)
        elif event.kind == "unbound" and mine:
            began = min(mine.values())
            mine.pop(event.what, None)
            if not mine:
                yield event.node, began, event.at
    for node, mine in since.items():
        if mine:
            yield node, min(mine.values()), None


def holders_at(round_: Round, moment: float) -> tuple[str, ...]:
    """Who has the VIP at a time; infinite: in the end."""
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
    # One pass: a node may tell of any number of them.
    total, holders, before = 0.0, 0, end
    for at, change in sorted(changes):
        total += at - before if holders > 1 else 0.0
        holders, before = holders + change, at
    return total
