"""The table of docs/availability.md. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.figures import Row

_HEAD = (
    "| change | with | requests | failed | slow | gap | probe late | long-lived cut | took |",
    "|---|---|--:|--:|--:|--:|--:|--:|--:|",
)


def rendered(rows: Sequence[Row], machine: Mapping[str, str], rounds: int) -> str:
    """Table, failures and machine as Markdown.

    Args:
        rows: the results; rows of one change are grouped.
        machine: its description, name → value.
        rounds: the number of rounds for each change.
    """
    changes = list(dict.fromkeys(row.change for row in rows))
    ordered = sorted(rows, key=lambda row: changes.index(row.change))
    lines = [*_HEAD, *map(_line, ordered), ""]
    if failures := [line for row in ordered for line in _troubles(row)]:
        heading = "Failures, with seconds after the start of the change:"
        lines += [heading, "", *failures, ""]
    lines.append(
        f"{rounds} round{'s'[: rounds > 1]} each. "
        + "; ".join(f"{name}: {value}" for name, value in machine.items())
        + "."
    )
    return "\n".join(lines)


def in_short(rows: Sequence[Row]) -> str:
    """The effect on clients of each change that all tools support, as Markdown."""
    tools = list(dict.fromkeys(row.tool for row in rows))
    by_change: dict[str, list[Row]] = {}
    for row in rows:
        by_change.setdefault(row.change, []).append(row)
    return "\n".join(
        [
            f"| what is changed | {' | '.join(tools)} |",
            f"|---|{'--:|' * len(tools)}",
            *(
                f"| {change} | "
                + " | ".join(f"{row.failed} ({_duration(row.gap)})" for row in made)
                + " |"
                for change, made in by_change.items()
                if [row.tool for row in made] == tools
            ),
        ]
    )


def _line(row: Row) -> str:
    cells = (
        row.change,
        row.tool,
        f"{row.requests}",
        f"{row.failed}",
        f"{row.slow}",
        _duration(row.gap),
        _duration(row.late),
        f"{row.cut} of {row.long_lived}",
        f"{row.took:.1f} s",
    )
    return f"| {' | '.join(cells)} |"


def _duration(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _troubles(row: Row) -> list[str]:
    return [
        f"- {row.change}, {row.tool}, round {number}: "
        + "; ".join(trouble.replace("\n", " ") for trouble in measurement.troubles())
        for number, measurement in enumerate(row.measurements, 1)
        if measurement.troubles()
    ]
