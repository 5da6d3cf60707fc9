"""Marks and styles of the verdicts of checks and proofs."""

from __future__ import annotations

from collections.abc import Iterable

from rich.text import Text

from hadeploy.verify.proof import Verdict

# From the best to the worst.
VERDICTS: dict[Verdict, tuple[str, str]] = {
    "pass": ("✓", "green"),
    "warn": ("!", "yellow"),
    "fail": ("✗", "red"),
}


def verdict_cell(verdicts: Iterable[Verdict], brief: str = "") -> Text:
    """The worst of several verdicts, as a cell of a table; `-` if there is none.

    Args:
        brief: text after the mark, or "".
    """
    found = set(verdicts)
    if not found:
        return Text("-", "dim")
    mark, style = next(VERDICTS[verdict] for verdict in reversed(VERDICTS) if verdict in found)
    return Text.assemble((mark, style), f" {brief}" if brief else "")
