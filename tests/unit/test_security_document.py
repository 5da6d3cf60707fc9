"""docs/security.md names a test for each attack."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
TEXT: Final = (ROOT / "docs" / "security.md").read_text()
# Where all tests are attacks.
ATTACKS: Final = (
    *("tests/hostile/test_hostile_node.py", "tests/lab/test_container_limits.py"),
    *("tests/lab/test_hostile.py", "tests/lab/test_local_users.py", "tests/lab/test_power_cut.py"),
    "tests/lab/test_trust.py",
)
# Trusted with everything.
TRUSTED: Final = "the machine that hadeploy runs on"


def table(heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, without its first two lines."""
    lines = TEXT.partition(f"## {heading}\n")[2].partition("\n## ")[0].splitlines()
    rows = [line for line in lines if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]]


def attacks_in(file: str) -> set[str]:
    """The names of the tests of a file; none if it is not there."""
    path = ROOT / file
    text = path.read_text() if path.is_file() else ""
    return {f"{file}::{name}" for name in re.findall(r"^def (test_\w+)\(", text, re.M)}


def test_each_row_names_an_existing_test_or_the_reason_for_none() -> None:
    for who, tries, shown in table("Tests"):
        file, colons, _ = shown.partition("::")
        assert shown.startswith("no test: ") or (colons and shown in attacks_in(file)), (who, tries)


def test_everybody_who_is_not_trusted_with_something_has_a_row() -> None:
    trusted = {who for who, _, _ in table("Trust model")} - {TRUSTED}
    assert trusted
    assert trusted <= {who for who, _, _ in table("Tests")}


def test_no_attack_is_left_out() -> None:
    named = {shown for _, _, shown in table("Tests")}
    for file in ATTACKS:
        assert attacks_in(file)
        assert attacks_in(file) <= named, file


def test_each_file_that_is_named_is_there() -> None:
    named = set(re.findall(r"\b(?:tests|hadeploy)/[\w/]+\.py\b", TEXT))
    assert named
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []
