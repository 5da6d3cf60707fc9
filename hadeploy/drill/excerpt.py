"""What the nodes said around a breakage, without what says nothing. Pure."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass

from hadeploy.drill.model import Event, Round
from hadeploy.drill.timeline import Timeline

# keepalived puts the time before each line, and Docker knows it better.
_TIME = re.compile(r"^\w{3} \w{3} +[0-9]+ [0-9:.]{8,15} [0-9]{4}: ")
# That is what it says whenever we look at it.
_LOOKED_AT = re.compile(r"Printing (VRRP|parent) data for process")
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
    # A terminal's own language has no place on a page.
    plain = "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in event.what
    )
    what = _TIME.sub("", plain)
    if event.kind == "log" and _LOOKED_AT.search(what):
        return
    source, text = {
        "bound": ("network", f"{what} is bound"),
        "unbound": ("network", f"{what} is gone"),
        "state": ("keepalived", f"enters {what} state"),
        "check": ("keepalived", f"its check of haproxy {what}"),
        "container": ("docker", what),
        "log": ("keepalived", what),
    }.get(event.kind, ("hadeploy", event.kind))
    yield Line(event.at - began, event.node, source, text)
