"""docs/faults.md lists every tested fault."""

from __future__ import annotations

from pathlib import Path

from tests.lab.claims import CLAIMS
from tests.lab.faults import ROWS
from tests.lab.faults_document import BETWEEN, CLAIMS_HEADING, HEADING

DOCS = Path(__file__).parents[2] / "docs" / "faults.md"


def test_every_row_has_been_run_and_is_documented_in_order() -> None:
    lines = DOCS.read_text().removeprefix(HEADING).partition(CLAIMS_HEADING)[0].splitlines()
    reported = [tuple(cell.strip() for cell in line.split("|")[1:4]) for line in lines]
    assert reported == [(row.fault.name, row.when, row.node) for row in ROWS], "make faults"


def test_every_claim_has_been_verified_and_is_documented() -> None:
    lines = DOCS.read_text().partition(CLAIMS_HEADING)[2].partition(BETWEEN)[0].splitlines()
    reported = [tuple(cell.strip() for cell in line.split("|")[1:3]) for line in lines]
    assert reported == [(claim.name, claim.when) for claim in CLAIMS], "make faults"


def test_rows_are_distinguished_by_their_names() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)
