"""A round as a picture for a terminal; it is read without colours, too."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType
from rich.text import Text

from hadeploy.drill.axis import ticks
from hadeploy.drill.timeline import Lane, Span, State, Timeline, Tone

STYLES: dict[Tone, str] = {"good": "green", "quiet": "", "passing": "yellow", "bad": "red"}
# What is drawn instead of written.
SHAPES: dict[State, str] = {"held": "█", "answered": "─", "late": "~", "failed": "x"}
LEGEND: tuple[State, ...] = ("answered", "late", "failed")
MOST_TITLE = 20
# So wide are a tick and its number with some room; a long round needs no more than so many cells.
TICK, MOST_CELLS = 9, 110


@dataclass(frozen=True)
class TimelinePicture:
    """A row for each lane, below an axis; as wide as the terminal allows.

    Args:
        heading: what was broken where.
        timeline: what is drawn.
    """

    heading: str
    timeline: Timeline

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        shown = self.timeline
        title = min(max(len(group.title) for group in shown.groups), MOST_TITLE)
        name = max(len(lane.name) for group in shown.groups for lane in group.lanes)
        left = title + 1 + name + 1
        cells = min(max(options.max_width - left - 1, TICK), MOST_CELLS)
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
            # One at the very end has no room for its number.
            if len(axis) <= column <= cells - len(label):
                axis = f"{axis:{column}}{label}"
        return Text(axis, "dim")

    def _cell(self, at: float, cells: int) -> int:
        share = (at - self.timeline.start) / (self.timeline.end - self.timeline.start)
        return min(math.floor(share * cells), cells - 1)

    def _row(self, lane: Lane, cells: int) -> Text:
        """The shortest spans are drawn last, so that each has a cell at least."""
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
        told = [f"{moment.what} {moment.at:.2f} s" for moment in shown.moments if moment.at]
        if shown.outage:
            told.append(f"no answer for {shown.outage.until - shown.outage.since:.2f} s")
        return ", ".join(told)

    def _legend(self) -> str:
        lanes = [lane for group in self.timeline.groups for lane in group.lanes]
        there = {span.state for lane in lanes for span in lane.spans}
        return "".join(f"   {SHAPES[state]} {state}" for state in LEGEND if state in there)


def _runs(owner: Sequence[Span | None]) -> Iterator[tuple[Span | None, int]]:
    begin = 0
    for place in range(1, len(owner) + 1):
        if place == len(owner) or owner[place] is not owner[begin]:
            yield owner[begin], place - begin
            begin = place


def _drawn(span: Span | None, width: int) -> str:
    """A span in so many cells: its shape, or its word, or where there is no room, its initial."""
    if span is None:
        return " " * width
    if shape := SHAPES.get(span.state):
        return shape * width
    word = next((text for text in span.words if len(text) < width), span.state[0])
    return f"{word:─<{width}}"
