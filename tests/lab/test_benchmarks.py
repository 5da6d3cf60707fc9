"""The benchmark runs as its document says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.document import Markers
from hadeploy.lab.lab import Lab

MARKERS = Markers("availability")
BEGIN, END = MARKERS.begin, MARKERS.end
ENTRY = Path(__file__).parents[2] / "benchmarks" / "availability.py"


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
