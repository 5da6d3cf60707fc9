"""The timeline of a round as an SVG element; the page defines the colours. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from hadeploy.drill.axis import ticks
from hadeploy.drill.timeline import Lane, Moment, Span, Timeline

WIDTH, LEFT, RIGHT = 960.0, 176.0, 10.0
# The right edge of the lane names.
NAMES = 164.0
FLAG, AXIS = 17.0, 24.0
LANE, BAR, GROUP_GAP = 22.0, 16.0, 12.0
# Narrower bars would not be visible.
MIN_BAR = 2.5
# The average width of a letter at 11 px in common fonts, rounded up.
LETTER = 6.6
TICK = 70.0
PADDING = 5.0


def svg(timeline: Timeline, name: str, title: str, summary: str) -> str:
    """One `<svg>` element as markup; all texts in it are escaped.

    Args:
        timeline: the timeline.
        name: the prefix of ids; unique on a page.
        title: for screen readers.
        summary: for screen readers.
    """
    return ElementTree.tostring(_Canvas(timeline, name).draw(title, summary), "unicode")


@dataclass(frozen=True)
class _Canvas:
    timeline: Timeline
    name: str

    def draw(self, title: str, summary: str) -> Element:
        shown = self.timeline
        flags = _rows(shown.moments, [self._x(moment.at) for moment in shown.moments])
        top = FLAG * (max(flags) + 1) + AXIS
        lanes = sum(len(group.lanes) for group in shown.groups)
        bottom = top + LANE * lanes + GROUP_GAP * len(shown.groups)
        height = bottom + (FLAG if shown.outage else 0)
        ids = f"{self.name}-title {self.name}-summary"
        root = Element(
            "svg",
            {
                "class": "timeline",
                "viewBox": f"0 0 {WIDTH:g} {height:g}",
                "role": "img",
                "aria-labelledby": ids,
            },
        )
        for tag, identity, text in zip(
            ("title", "desc"), ids.split(), (title, summary), strict=True
        ):
            SubElement(root, tag, {"id": identity}).text = text
        self._axis(root, top, bottom)
        # Before the lanes: the lines of the flags are behind the texts of the lanes.
        for moment, row in zip(shown.moments, flags, strict=True):
            self._flag(root, moment, FLAG * row, bottom)
        self._groups(root, top)
        if shown.outage:
            self._outage(root, shown.outage, bottom)
        return root

    def _x(self, at: float) -> float:
        share = (at - self.timeline.start) / (self.timeline.end - self.timeline.start)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def _axis(self, root: Element, top: float, bottom: float) -> None:
        shown = self.timeline
        for at in ticks(shown.start, shown.end, int((WIDTH - LEFT) / TICK)):
            x = self._x(at)
            # There is no room for a number at the ends.
            if LEFT + 8 < x < WIDTH - 24:
                _line(root, "grid", (x, top - 5), (x, bottom - GROUP_GAP / 2))
                _text(root, "tick", (x, top - 9), f"{at:+g} s" if at else "0", middle=True)

    def _groups(self, root: Element, top: float) -> None:
        y = top
        for group in self.timeline.groups:
            _line(root, "rule", (0, y), (WIDTH, y))
            y += GROUP_GAP / 2
            _text(root, "group", (0, y + BAR - 3), _shortened(group.title, NAMES - 80))
            for lane in group.lanes:
                label = _text(root, "lane", (NAMES, y + BAR - 4), lane.name)
                label.set("text-anchor", "end")
                self._lane(root, lane, y)
                y += LANE
            y += GROUP_GAP / 2

    def _lane(self, root: Element, lane: Lane, y: float) -> None:
        # The shortest last: above its neighbours, where bars overlap.
        for span in sorted(lane.spans, key=lambda span: span.since - span.until):
            x, until = self._x(span.since), self._x(span.until)
            width = max(until - x, MIN_BAR)
            bar = SubElement(root, "g", {"class": f"span {span.tone} is-{_slug(lane, span)}"})
            place = _at(x=x, y=y, width=width, height=BAR, rx=2.0)
            SubElement(bar, "title").text = _tooltip(lane, span)
            SubElement(bar, "rect", place)
            labels = (text for text in span.labels if LETTER * len(text) + 2 * PADDING < width)
            if label := next(labels, ""):
                _text(bar, "state", (x + PADDING, y + BAR - 4), label)

    def _flag(self, root: Element, moment: Moment, y: float, bottom: float) -> None:
        x = self._x(moment.at)
        _line(root, "moment", (x, y + 3), (x, bottom - GROUP_GAP / 2))
        label, right = _label(moment), x + _width(moment) > WIDTH
        text = _text(root, "flag", (x - 5 if right else x + 5, y + 12), label)
        if right:
            text.set("text-anchor", "end")

    def _outage(self, root: Element, outage: Span, bottom: float) -> None:
        left, right = self._x(outage.since), self._x(outage.until)
        y = bottom - 2
        points = [(left, y - 4), (left, y), (right, y), (right, y - 4)]
        joined = " ".join(f"{x:.1f},{height:.1f}" for x, height in points)
        SubElement(root, "polyline", {"class": "bracket", "points": joined})
        label = f"{outage.until - outage.since:.2f} s without an answer"
        beyond = right + 6 + LETTER * len(label) > WIDTH
        text = _text(root, "flag", (left - 6 if beyond else right + 6, y + 2), label)
        if beyond:
            text.set("text-anchor", "end")


def _rows(moments: Sequence[Moment], places: Sequence[float]) -> list[int]:
    """The row of each flag, so that no flag covers another."""
    ends: list[float] = []
    rows = []
    for moment, x in zip(moments, places, strict=True):
        left = x + _width(moment) > WIDTH
        begin, end = (x - _width(moment), x) if left else (x, x + _width(moment))
        row = next((i for i, taken in enumerate(ends) if taken <= begin), len(ends))
        ends[row:] = [end, *ends[row + 1 :]]
        rows.append(row)
    return rows


def _label(moment: Moment) -> str:
    return f"{moment.what} {moment.at:+.2f} s" if moment.at else moment.what


def _width(moment: Moment) -> float:
    return LETTER * len(_label(moment)) + 2 * PADDING


def _tooltip(lane: Lane, span: Span) -> str:
    return f"{lane.name}: {span.labels[0]}, {span.since:+.2f} s to {span.until:+.2f} s"


def _slug(lane: Lane, span: Span) -> str:
    return f"{lane.name}-{span.state}".replace(" ", "-").lower()


def _shortened(text: str, width: float) -> str:
    most = int(width / (LETTER + 0.6))
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _text(
    parent: Element, kind: str, place: tuple[float, float], content: str, *, middle: bool = False
) -> Element:
    anchor = {"text-anchor": "middle"} if middle else {}
    text = SubElement(parent, "text", {"class": kind, **_at(x=place[0], y=place[1]), **anchor})
    text.text = content
    return text


def _line(parent: Element, kind: str, begin: tuple[float, float], end: tuple[float, float]) -> None:
    place = _at(x1=begin[0], y1=begin[1], x2=end[0], y2=end[1])
    SubElement(parent, "line", {"class": kind, **place})


def _at(**numbers: float) -> dict[str, str]:
    return {name: f"{number:.1f}" for name, number in numbers.items()}
