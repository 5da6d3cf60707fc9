"""Every inventory we have renders into files that the real programs take without a word."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab.programs import haproxy_says, keepalived_says, rendered

TOP = Path(__file__).parents[2]
INVENTORIES = [
    TOP / "inventory.example.yaml",
    *sorted(TOP.glob("examples/*.yaml")),
    *sorted(TOP.glob("tests/inventories/*.yaml")),
]


@pytest.mark.parametrize("inventory", INVENTORIES, ids=lambda path: path.stem)
def test_the_real_programs_take_the_files_without_a_word(inventory: Path, tmp_path: Path) -> None:
    for node in rendered(inventory, tmp_path):
        assert haproxy_says(node) == (0, "")
        assert keepalived_says(node) == (0, "")
