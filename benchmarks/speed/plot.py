"""Plots as self-contained SVG files, for light and dark screens. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

WIDTH = 760.0
_MARGIN, _LABEL = 16.0, 168.0
_BAR, _GAP, _GROUP = 20.0, 4.0, 34.0
_TITLE, _FOOT = 46.0, 14.0
_HEAD, _PANEL, _AXIS = 36.0, 240.0, 46.0
# The average width of a letter at 12 px in common fonts, rounded up.
_LETTER = 7.0
# By tool; the colours are distinguishable with colour blindness.
_SERIES = {"hadeploy": "a", "raw ssh": "b", "pyinfra": "c", "Ansible": "d"}
_STYLE = """
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.paper { fill: #ffffff } .title { font-size: 15px; font-weight: 600 }
.group { font-weight: 600 } .quiet { fill: #59636e }
.rule { stroke: #d1d9e0; stroke-width: 1 } .line { fill: none; stroke-width: 2.5 }
.a { fill: #0969da; stroke: #0969da } .b { fill: #6e7781; stroke: #6e7781 }
.c { fill: #bc4c00; stroke: #bc4c00 } .d { fill: #8250df; stroke: #8250df }
.range { stroke: #1f2328; stroke-width: 1.5 } rect { stroke-width: 0 }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc } .paper { fill: #0d1117 } .quiet { fill: #9198a1 }
.rule { stroke: #3d444d } .range { stroke: #f0f6fc }
.a { fill: #4493f8; stroke: #4493f8 } .b { fill: #9198a1; stroke: #9198a1 }
.c { fill: #f0883e; stroke: #f0883e } .d { fill: #ab7df8; stroke: #ab7df8 }
}
"""


@dataclass(frozen=True)
class Bar:
    """A bar.

    Args:
        name: its label.
        value: its length.
        low: the minimum of the measurements.
        high: the maximum.
        part: the length of a pale part at its end, or 0.
    """

    name: str
    value: float
    low: float
    high: float
    part: float = 0.0


@dataclass(frozen=True)
class Panel:
    """A panel with lines.

    Args:
        title: of the vertical axis, with the unit.
        across: the title of the horizontal axis.
        lines: the points of each line from left to right, by label.
    """

    title: str
    across: str
    lines: Mapping[str, Sequence[tuple[float, float]]]


def bars(title: str, note: str, groups: Mapping[str, Sequence[Bar]]) -> str:
    """Bars in groups, with the range from minimum to maximum.

    Args:
        title: of the plot.
        note: below the title.
        groups: by name.
    """
    count = sum(len(group) for group in groups.values())
    height = _TITLE + _GROUP * len(groups) + (_BAR + _GAP) * count + _FOOT
    root = _root(height, title, note)
    most = max(bar.high for group in groups.values() for bar in group)
    # Leave space for the text after the longest bar.
    scale = (WIDTH - _LABEL - _MARGIN - 9 * _LETTER) / most
    y = _TITLE
    for name, group in groups.items():
        y += _GROUP
        _text(root, (_MARGIN, y - 9), name, "group")
        for bar in group:
            _bar(root, bar, y, scale)
            y += _BAR + _GAP
    return _written(root)


def _bar(root: Element, bar: Bar, y: float, scale: float) -> None:
    middle = y + _BAR / 2
    _text(root, (_LABEL - 8, middle + 4), bar.name, "quiet", anchor="end")
    kind = _SERIES.get(bar.name, "b")
    solid = (bar.value - bar.part) * scale
    _rect(root, kind, (_LABEL, y, solid, _BAR))
    if bar.part:
        _rect(root, kind, (_LABEL + solid, y, bar.part * scale, _BAR)).set("opacity", "0.35")
    if bar.high > bar.low:
        _line(
            root, "range", (_LABEL + bar.low * scale, middle), (_LABEL + bar.high * scale, middle)
        )
    end = _LABEL + max(bar.value, bar.high) * scale
    _text(root, (end + 6, middle + 4), f"{bar.value:.2f} s")


def lines(title: str, note: str, panels: Sequence[Panel]) -> str:
    """Panels side by side.

    Args:
        title: of the plot.
        note: below the title.
        panels: at most two.
    """
    height = _TITLE + _HEAD + _PANEL + _AXIS
    root = _root(height, title, note)
    width = (WIDTH - _MARGIN) / len(panels)
    for number, panel in enumerate(panels):
        _panel(root, panel, _MARGIN + number * width + 40, width - 40 - _MARGIN)
    return _written(root)


def _panel(root: Element, panel: Panel, left: float, width: float) -> None:
    points = [point for line in panel.lines.values() for point in line]
    ticks_x = ticks(max(x for x, _ in points))
    ticks_y = ticks(max(y for _, y in points))
    top, bottom = _TITLE + _HEAD, _TITLE + _HEAD + _PANEL

    def place(x: float, y: float) -> tuple[float, float]:
        return left + width * x / ticks_x[-1], bottom - (bottom - top) * y / ticks_y[-1]

    _text(root, (left, top - 12), panel.title, "group")
    for y in ticks_y:
        _line(root, "rule", place(0, y), place(ticks_x[-1], y))
        _text(root, (left - 6, place(0, y)[1] + 4), f"{y:g}", "quiet", anchor="end")
    for x in ticks_x:
        _text(root, (place(x, 0)[0], bottom + 18), f"{x:g}", "quiet", anchor="middle")
    _text(root, (left + width / 2, bottom + 36), panel.across, "quiet", anchor="middle")
    for number, (name, line) in enumerate(panel.lines.items()):
        kind = _SERIES.get(name, "b")
        joined = " ".join("{:.1f},{:.1f}".format(*place(*point)) for point in line)
        SubElement(root, "polyline", {"class": f"line {kind}", "points": joined, "fill": "none"})
        for point in line:
            x, y = place(*point)
            SubElement(root, "circle", {"class": kind, **_numbers(cx=x, cy=y, r=3.5)})
        at = top + 14 + 18 * number
        _rect(root, kind, (left + 12, at - 9, 18, 9))
        _text(root, (left + 36, at), name)


def ticks(most: float, about: int = 5) -> list[float]:
    """Round numbers from zero to at least the maximum.

    Args:
        most: the maximum, more than zero.
        about: the approximate number of steps.
    """
    rough = most / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * digit for digit in (1, 2, 5, 10) if power * digit >= rough * 0.999)
    return [number * step for number in range(math.ceil(most / step - 1e-9) + 1)]


def _root(height: float, title: str, note: str) -> Element:
    root = Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {WIDTH:g} {height:g}",
            "width": f"{WIDTH:g}",
            "height": f"{height:g}",
            "role": "img",
            "aria-label": f"{title}. {note}",
        },
    )
    SubElement(root, "style").text = _STYLE
    _rect(root, "paper", (0, 0, WIDTH, height)).set("rx", "6")
    _text(root, (_MARGIN, 24), title, "title")
    _text(root, (_MARGIN, 42), note, "quiet")
    return root


def _written(root: Element) -> str:
    return ElementTree.tostring(root, "unicode") + "\n"


def _rect(root: Element, kind: str, box: tuple[float, float, float, float]) -> Element:
    x, y, width, height = box
    return SubElement(
        root, "rect", {"class": kind, **_numbers(x=x, y=y, width=width, height=height)}
    )


def _text(
    root: Element, place: tuple[float, float], words: str, kind: str = "", anchor: str = "start"
) -> None:
    how = {"class": kind, "text-anchor": anchor, **_numbers(x=place[0], y=place[1])}
    SubElement(root, "text", how).text = words


def _line(root: Element, kind: str, begin: tuple[float, float], end: tuple[float, float]) -> None:
    place = _numbers(x1=begin[0], y1=begin[1], x2=end[0], y2=end[1])
    SubElement(root, "line", {"class": kind, **place})


def _numbers(**numbers: float) -> dict[str, str]:
    return {name: f"{number:.1f}" for name, number in numbers.items()}
