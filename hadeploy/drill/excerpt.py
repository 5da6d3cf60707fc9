"""The log lines and events around a failure, without irrelevant lines. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

from hadeploy.drill.round import Event, Round
from hadeploy.drill.timeline import Timeline
from hadeploy.logs.lines import message_of
from hadeploy.scripts.lines import clean

MAX_LINES = 150


@dataclass(frozen=True)
class Line:
    """One line of the excerpt.

    Attributes:
        at: seconds, relative to the start of the failure.
        node: its label.
        source: hadeploy, network, keepalived or docker.
        text: the log line or the event.
    """

    at: float
    node: str
    source: str
    text: str


def excerpt(round_: Round, shown: Timeline, began: float) -> tuple[list[Line], int]:
    """The lines in the period of a timeline, with repeated lines merged.

    Args:
        round_: the round.
        shown: its timeline.
        began: the start of the failure, in seconds since the epoch.

    Returns:
        The first lines, and the number of omitted lines.
    """
    lines = [
        line
        for event in round_.events
        if shown.start <= event.at - began <= shown.end
        for line in _line(event, began)
    ]
    merged = []
    for (node, source, text), group in itertools.groupby(
        lines, lambda line: (line.node, line.source, line.text)
    ):
        same = list(group)
        times = f" ({len(same)} times)" if len(same) > 1 else ""
        merged.append(Line(same[0].at, node, source, f"{text}{times}"))
    return merged[:MAX_LINES], max(len(merged) - MAX_LINES, 0)


def _line(event: Event, began: float) -> Iterable[Line]:
    log_line = event.what if event.kind == "log" else event.log_line
    if log_line:
        source, text = "keepalived", message_of("keepalived", log_line)
    else:
        source, text = {
            "bound": ("network", f"{event.what} is bound"),
            "unbound": ("network", f"{event.what} is removed"),
            "container": ("docker", event.what),
        }.get(event.kind, ("hadeploy", event.kind))
    if text:
        yield Line(event.at - began, event.node, source, clean(text))
