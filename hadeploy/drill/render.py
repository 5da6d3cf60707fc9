"""What a drill came to, as people read it."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hadeploy.drill.text import HEADS, asked, cells, medians, problems, twice
from hadeploy.drill.verdict import Result
from hadeploy.ui.verdicts import VERDICTS


def render_rounds(results: Sequence[Result]) -> RenderableType:
    """A row for each round, and where there are several of a scenario, the median and the worst."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for head in ("", *HEADS):
        table.add_column(head, overflow="fold")
    for result in results:
        table.add_row(
            Text(*VERDICTS["fail" if result.problems else "pass"]), *map(Text, cells(result))
        )
    notes = [Text(line) for line in medians(results)]
    notes += [Text(line, "yellow") for line in twice(results)]
    notes += [Text(line, "dim") for line in asked(results)]
    notes += [Text(line, "red") for line in problems(results)]
    return Group(table, *notes)
