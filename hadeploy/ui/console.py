"""Consoles for people and for logs."""

from __future__ import annotations

import os
import sys

from rich.console import Console

# Tables in logs and pipes are not folded.
UNFOLDED = 160


def make_console(*, stderr: bool, no_color: bool) -> Console:
    """A console on stderr or stdout.

    Args:
        stderr: for people; stdout belongs to results.
        no_color: no bold and dim either, as with NO_COLOR (https://no-color.org) in the
            environment; what is live in a terminal stays so.
    """
    stream = sys.stderr if stderr else sys.stdout
    plain = no_color or bool(os.environ.get("NO_COLOR"))
    return Console(
        stderr=stderr,
        color_system=None if plain else "auto",
        highlight=False,
        width=None if stream.isatty() else UNFOLDED,
    )
