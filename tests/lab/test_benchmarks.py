"""The benchmarks run as their documents say. How long anything takes is no test's affair."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.document import Markers
from hadeploy.lab import network
from hadeploy.lab.lab import Lab

MARKERS = Markers("availability")
BEGIN, END = MARKERS.begin, MARKERS.end
ENTRY = Path(__file__).parents[2] / "benchmarks" / "availability.py"
PERFORMANCE = ENTRY.with_name("performance.py")


@pytest.mark.exhaustive
def test_a_quick_run_fails_no_request_and_writes_its_table(lab: Lab, tmp_path: Path) -> None:
    document = tmp_path / "availability.md"
    document.write_text(f"above\n{BEGIN}\nold\n{END}\nbelow\n")
    command = [sys.executable, str(ENTRY), "--quick", "--use-lab", lab.name]
    done = subprocess.run(
        [*command, "--output", str(document)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    text = document.read_text()
    assert text.startswith(f"above\n{BEGIN}\n| change |")
    assert text.endswith(f"{END}\nbelow\n")
    (row,) = [line for line in text.splitlines() if line.startswith("| haproxy setting")]
    _, _, requests, failed, *_, cut, _ = (cell.strip() for cell in row.strip("|").split("|"))
    assert int(requests) > 200
    assert failed == "0"
    assert cut == "0 of 20"
    assert lab.name in {Lab.find(lab.name).name}


def performance(document: Path, *options: str) -> str:
    """Run the benchmark in short, and return the document; a missed budget is said and no more."""
    command = [sys.executable, str(PERFORMANCE), "--rounds", "1", "--without-peers", *options]
    done = subprocess.run(
        [*command, "--output", str(document)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=1200,
        check=False,
    )
    assert done.returncode == ("budget missed" in done.stderr), done.stderr
    return document.read_text()


def rows(text: str, part: str) -> list[list[str]]:
    """The cells of all tables of one part."""
    markers = Markers(f"performance-{part}", "performance")
    block = text.partition(markers.begin)[2].partition(markers.end)[0]
    lines = [line for line in block.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_many_small_nodes_are_looked_at_by_both_and_go_again(lab: Lab, tmp_path: Path) -> None:
    text = performance(
        tmp_path / "new" / "p.md", "--only", "scale", "--sizes", "1,4", "--lab", lab.name
    )
    table = rows(text, "scale")
    assert [row[0] for row in table if len(row) == 8] == ["nodes", "--:", "1", "4"]
    assert len([row for row in table if row[-1] in ("kept", "**missed**")]) == 2
    picture = ElementTree.parse(tmp_path / "new" / "p-scale.svg").getroot()
    assert len(list(picture.iter("{http://www.w3.org/2000/svg}polyline"))) == 3
    assert not network.leftover_scopes(f"hl-{lab.name[:6]}c")
    assert lab.name in {Lab.find(lab.name).name}


@pytest.mark.exhaustive
def test_the_rest_is_measured_on_a_lab(lab: Lab, tmp_path: Path) -> None:
    parts = ("--only", "times", "--only", "latency", "--only", "images")
    text = performance(tmp_path / "p.md", *parts, "--use-lab", lab.name)
    measured = {tuple(row[:2]) for row in rows(text, "times")}
    assert {("nothing to do", "raw ssh"), ("fresh", "hadeploy"), ("status", "hadeploy")} <= measured
    round_trips = {tuple(row[:2]): row[-1] for row in rows(text, "latency")[2:]}
    assert {("nothing to do", "raw ssh"), ("fresh", "hadeploy")} <= round_trips.keys()
    assert {row[1] for row in rows(text, "images")[2:]} == {"scp", "raw ssh", "hadeploy"}
    assert ElementTree.parse(tmp_path / "p-times.svg").getroot() is not None
    assert lab.name in {Lab.find(lab.name).name}
