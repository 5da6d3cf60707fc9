"""Consoles for terminals and for logs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

# Wide enough that tables in logs and pipes do not wrap.
LOG_WIDTH = 160


class TextConsole(Console):
    """A console that escapes control characters in text.

    Text from nodes, images, SSH servers and files may contain escape sequences, which rich passes
    on to the terminal.
    """

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Keep the control codes of rich, and escape all others."""
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable() or segment.text == "\n":
                yield segment
            else:
                yield Segment(without_control(segment.text), segment.style)


def without_control(text: str) -> str:
    """The text with every control character escaped, except newlines."""
    return "".join(c if c == "\n" or c.isprintable() else ascii(c)[1:-1] for c in text)


def make_console(*, stderr: bool, no_color: bool) -> Console:
    """A console on stderr or stdout.

    Args:
        stderr: whether to write to stderr (progress and errors) instead of stdout (results).
        no_color: without colours, bold and dim, as with the environment variable NO_COLOR
            (https://no-color.org); live output remains live.
    """
    stream = sys.stderr if stderr else sys.stdout
    plain = no_color or bool(os.environ.get("NO_COLOR"))
    return TextConsole(
        stderr=stderr,
        color_system=None if plain else "auto",
        # Square brackets and colons in names and messages are not markup.
        markup=False,
        emoji=False,
        highlight=False,
        width=None if stream.isatty() else LOG_WIDTH,
    )
