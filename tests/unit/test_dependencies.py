"""The lowest versions that are tested are those that are allowed."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_lowest_versions_are_those_of_the_project() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    wanted = re.search(r"^dependencies = \[\n(.*?)^\]", project, re.M | re.S)
    assert wanted
    lowest = (ROOT / "tests" / "lowest.txt").read_text()
    tested = re.findall(r"^([\w.-]+)==([\d.]+)$", lowest, re.M)
    assert tested == re.findall(r'"([\w.-]+)>=([\d.]+)', wanted[1])
