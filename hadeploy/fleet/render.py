"""The output of a fleet: the lines of its clusters, and a table of results."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from hadeploy.errors import NodesError
from hadeploy.fleet.member import ClusterResult, Member
from hadeploy.fleet.verdict import failed, summary
from hadeploy.ui.render import print_error


def line_of(member: Member, width: int, text: str) -> Text:
    """A line of one cluster, prefixed with its label.

    Args:
        width: of the longest label.
        text: the line.
    """
    return Text.assemble((f"{member.label:<{width}}", "bold"), (" | ", "dim"), text)


def heading(member: Member) -> Text:
    """The heading above the output of one cluster."""
    return Text.assemble((f"\n{member.label}", "bold"), (f" ({member.inventory})", "dim"))


def render_fleet(results: Sequence[ClusterResult]) -> RenderableType:
    """A row for each cluster, in the order of the inventories."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("inventory", overflow="fold")
    table.add_column("cluster", overflow="fold")
    table.add_column("result")
    table.add_column("exit code", justify="right")
    table.add_column("seconds", justify="right")
    for result in results:
        started = result.code is not None
        table.add_row(
            Text(result.member.inventory, "bold"),
            Text(result.member.cluster),
            Text(result.result, _style(result)),
            Text(str(result.code) if started else "-"),
            Text(f"{result.seconds:.1f}" if started else "-"),
        )
    return Group(Text(), table, Text(summary(results)))


def print_errors(console: Console, results: Sequence[ClusterResult]) -> None:
    """Print the errors of all clusters that failed."""
    for result in results:
        if result.errors:
            console.print(heading(result.member), soft_wrap=True)
            print_error(console, NodesError(list(result.errors)))


def _style(result: ClusterResult) -> str:
    if result.code is None:
        return "dim"
    return "red" if failed(result.code) else "green"
