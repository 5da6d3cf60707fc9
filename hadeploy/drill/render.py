"""The results of a drill on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hadeploy.drill.text import (
    COLUMNS,
    cells,
    double_holders,
    medians,
    problems,
    request_sources,
)
from hadeploy.drill.verdict import Result
from hadeploy.ui.verdicts import VERDICTS


def render_rounds(results: Sequence[Result]) -> RenderableType:
    """A table of the rounds; below it, notes and problems."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("", *COLUMNS):
        table.add_column(title, overflow="fold")
    for result in results:
        table.add_row(
            Text(*VERDICTS["fail" if result.problems else "pass"]), *map(Text, cells(result))
        )
    notes = [Text(line) for line in medians(results)]
    notes += [Text(line, "yellow") for line in double_holders(results)]
    notes += [Text(line, "dim") for line in request_sources(results)]
    notes += [Text(line, "red") for line in problems(results)]
    return Group(table, *notes)
