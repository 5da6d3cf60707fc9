"""A fleet as people read it: lines of many clusters, and what became of each."""

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
    """A line of one cluster, with its label in front.

    Args:
        member: the cluster.
        width: of the longest label.
        text: what it said.
    """
    return Text.assemble((f"{member.label:<{width}}", "bold"), (" | ", "dim"), text)


def heading(member: Member) -> Text:
    """What stands above all that is of one cluster."""
    return Text.assemble((f"\n{member.label}", "bold"), (f" ({member.inventory})", "dim"))


def render_fleet(endings: Sequence[ClusterResult]) -> RenderableType:
    """A row for each cluster, in the order in which they were named.

    Args:
        endings: put into words.
    """
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("inventory", overflow="fold")
    table.add_column("cluster", overflow="fold")
    table.add_column("result")
    table.add_column("exit code", justify="right")
    table.add_column("seconds", justify="right")
    for ending in endings:
        begun = ending.code is not None
        table.add_row(
            Text(ending.member.inventory, "bold"),
            Text(ending.member.cluster),
            Text(ending.result, _style(ending)),
            Text(str(ending.code) if begun else "-"),
            Text(f"{ending.seconds:.1f}" if begun else "-"),
        )
    return Group(Text(), table, Text(summary(endings)))


def print_errors(console: Console, endings: Sequence[ClusterResult]) -> None:
    """Why clusters failed, each in full; nothing of those that did not.

    Args:
        console: for people.
        endings: put into words.
    """
    for ending in endings:
        if ending.errors:
            console.print(heading(ending.member), soft_wrap=True)
            print_error(console, NodesError(list(ending.errors)))


def _style(ending: ClusterResult) -> str:
    if ending.code is None:
        return "dim"
    return "red" if failed(ending.code) else "green"
