from __future__ import annotations

from xml.etree import ElementTree

import pytest

from benchmarks.speed.pictures import scale_picture, times_picture
from benchmarks.speed.plot import Bar, Panel, bars, lines, ticks
from benchmarks.speed.samples import FRESH, HADEPLOY, NOTHING, OWN, PYINFRA, SSH, Samples
from benchmarks.speed.scale import Look, Looks

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize(
    ("most", "expected"),
    [
        (100, [0, 20, 40, 60, 80, 100]),
        (101, [0, 50, 100, 150]),
        (0.7, [0, 0.2, 0.4, 0.6, 0.8]),
        (9.2, [0, 2, 4, 6, 8, 10]),
    ],
)
def test_ticks_are_round_and_reach_as_far_as_is_needed(most: float, expected: list[float]) -> None:
    assert ticks(most) == pytest.approx(expected)


def test_bars_have_the_length_of_their_values_and_text_is_escaped() -> None:
    drawn = bars("A & B", "<note>", {"g": [Bar("hadeploy", 1.0, 0.5, 2.0, part=0.25)]})
    root = ElementTree.fromstring(drawn)
    paper, solid, pale = root.iter(f"{SVG}rect")
    assert float(solid.attrib["width"]) == pytest.approx(3 * float(pale.attrib["width"]), abs=0.3)
    assert "opacity" in pale.attrib
    assert paper.attrib["class"] == "paper"
    assert [text.text for text in root.iter(f"{SVG}text")] == [
        *("A & B", "<note>", "g", "hadeploy", "1.00 s")
    ]
    (between,) = root.iter(f"{SVG}line")
    assert float(between.attrib["x1"]) < float(between.attrib["x2"]) < 760


def test_a_higher_figure_is_drawn_higher_and_everything_is_inside() -> None:
    panel = Panel("seconds", "nodes", {"hadeploy": [(3, 1.0), (100, 9.0)]})
    root = ElementTree.fromstring(lines("t", "n", [panel, panel]))
    circles = [(float(c.attrib["cx"]), float(c.attrib["cy"])) for c in root.iter(f"{SVG}circle")]
    (x, y), (other_x, other_y), *_ = circles
    assert x < other_x
    assert y > other_y
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    assert all(0 < x < width and 0 < y < height for x, y in circles)


def test_only_what_was_measured_is_drawn_and_the_wait_for_vrrp_is_pale() -> None:
    samples = Samples()
    samples.add(NOTHING, SSH, 0.5)
    samples.add(NOTHING, HADEPLOY, 0.6)
    samples.add(FRESH, HADEPLOY, 6.0)
    without = times_picture(samples)
    samples.add(OWN, HADEPLOY, 3.0)
    drawn = times_picture(samples)
    assert PYINFRA not in drawn
    assert "opacity" not in without
    assert drawn.count("opacity") == 1


def test_growth_is_drawn_in_two_panels() -> None:
    looks = Looks({SSH: [Look(3, 1.0, 0.1)], HADEPLOY: [Look(3, 2.0, 0.1, 60.0)]})
    root = ElementTree.fromstring(scale_picture(looks))
    assert len(list(root.iter(f"{SVG}polyline"))) == 3
