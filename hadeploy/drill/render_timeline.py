"""The timeline of a round on a terminal, also without colours."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType
from rich.text import Text

from hadeploy.drill.axis import ticks
from hadeploy.drill.timeline import Lane, Span, State, Timeline, Tone

STYLES: dict[Tone, str] = {"good": "green", "quiet": "", "passing": "yellow", "bad": "red"}
# States that are drawn instead of written.
SHAPES: dict[State, str] = {"held": "█", "answered": "─", "late": "~", "failed": "x"}
LEGEND: tuple[State, ...] = ("answered", "late", "failed")
MAX_TITLE = 20
# The width of a tick with its number; the maximum width of the axis.
TICK, MAX_CELLS = 9, 110


@dataclass(frozen=True)
class TimelinePicture:
    """A row for each lane, below an axis; as wide as the terminal allows.

    Args:
        heading: the scenario and the victims.
        timeline: the timeline.
    """

    heading: str
    timeline: Timeline

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        shown = self.timeline
        title = min(max(len(group.title) for group in shown.groups), MAX_TITLE)
        name = max(len(lane.name) for group in shown.groups for lane in group.lanes)
        left = title + 1 + name + 1
        cells = min(max(options.max_width - left - 1, TICK), MAX_CELLS)
        yield Text.assemble((self.heading, "bold"), (self._legend(), "dim"))
        yield Text(" " * left).append(self._axis(cells))
        for group in shown.groups:
            heads = [group.title[:title], *[""] * len(group.lanes)]
            for head, lane in zip(heads, group.lanes, strict=False):
                row = Text.assemble((f"{head:{title}} ", "bold"), (f"{lane.name:{name}} ", "dim"))
                yield row.append(self._row(lane, cells))
        yield Text(self._note(), "dim")

    def _axis(self, cells: int) -> Text:
        shown = self.timeline
        axis = ""
        for at in ticks(shown.start, shown.end, max(cells // TICK, 1)):
            label = f"|{at:+g} s" if at else "|0"
            column = self._cell(at, cells)
            # There is no room for a number at the end.
            if len(axis) <= column <= cells - len(label):
                axis = f"{axis:{column}}{label}"
        return Text(axis, "dim")

    def _cell(self, at: float, cells: int) -> int:
        share = (at - self.timeline.start) / (self.timeline.end - self.timeline.start)
        return min(math.floor(share * cells), cells - 1)

    def _row(self, lane: Lane, cells: int) -> Text:
        """Draw the shortest spans last, so that each has at least one cell."""
        owner: list[Span | None] = [None] * cells
        for span in sorted(lane.spans, key=lambda span: span.since - span.until):
            first, last = self._cell(span.since, cells), self._cell(span.until, cells)
            end = cells if span.until >= self.timeline.end else max(last, first + 1)
            owner[first:end] = [span] * (end - first)
        row = Text()
        for drawn, width in _runs(owner):
            row.append(_drawn(drawn, width), STYLES[drawn.tone] if drawn else "")
        return row

    def _note(self) -> str:
        shown = self.timeline
        notes = [f"{moment.what} {moment.at:.2f} s" for moment in shown.moments if moment.at]
        if shown.outage:
            notes.append(f"outage {shown.outage.until - shown.outage.since:.2f} s")
        return ", ".join(notes)

    def _legend(self) -> str:
        lanes = [lane for group in self.timeline.groups for lane in group.lanes]
        states = {span.state for lane in lanes for span in lane.spans}
        return "".join(f"   {SHAPES[state]} {state}" for state in LEGEND if state in states)


def _runs(owner: Sequence[Span | None]) -> Iterator[tuple[Span | None, int]]:
    begin = 0
    for place in range(1, len(owner) + 1):
        if place == len(owner) or owner[place] is not owner[begin]:
            yield owner[begin], place - begin
            begin = place


def _drawn(span: Span | None, width: int) -> str:
    """A span in `width` cells: its shape, its label, or its initial if there is no room."""
    if span is None:
        return " " * width
    if shape := SHAPES.get(span.state):
        return shape * width
    label = next((text for text in span.labels if len(text) < width), span.state[0])
    return f"{label:─<{width}}"
