"""What the nodes said around a breakage, without what says nothing. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

from hadeploy.drill.timeline import Timeline
from hadeploy.drill.trial import Event, Round
from hadeploy.logs.lines import telling
from hadeploy.scripts.lines import clean

MOST_LINES = 150


@dataclass(frozen=True)
class Line:
    """One line of the excerpt.

    Attributes:
        at: seconds, relative to the breaking.
        node: where.
        source: who says it: hadeploy, network, keepalived or docker.
        text: what.
    """

    at: float
    node: str
    source: str
    text: str


def excerpt(round_: Round, shown: Timeline, began: float) -> tuple[list[Line], int]:
    """The lines of the time that is drawn, each repetition once.

    Args:
        round_: what happened.
        shown: the same as it is drawn.
        began: when the breaking began, in seconds since the epoch.

    Returns:
        The first lines, and how many more there are.
    """
    lines = [
        line
        for event in round_.events
        if shown.start <= event.at - began <= shown.end
        for line in _line(event, began)
    ]
    merged = []
    for (node, source, text), alike in itertools.groupby(
        lines, lambda line: (line.node, line.source, line.text)
    ):
        same = list(alike)
        times = f" ({len(same)} times)" if len(same) > 1 else ""
        merged.append(Line(same[0].at, node, source, f"{text}{times}"))
    return merged[:MOST_LINES], max(len(merged) - MOST_LINES, 0)


def _line(event: Event, began: float) -> Iterable[Line]:
    line = event.what if event.kind == "log" else event.said
    if line:
        said = telling("keepalived", line)
        told = ("keepalived", said) if said else None
    else:
        told = {
            "bound": ("network", f"{event.what} is bound"),
            "unbound": ("network", f"{event.what} is gone"),
            "container": ("docker", event.what),
        }.get(event.kind, ("hadeploy", event.kind))
    if told:
        source, text = told
        yield Line(event.at - began, event.node, source, clean(text))
