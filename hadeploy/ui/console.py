"""Consoles for people and for logs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

# Tables in logs and pipes are not folded.
UNFOLDED = 160


class TextConsole(Console):
    """A console that prints text as text: a terminal obeys nothing in what others have said.

    Nodes, images, SSH servers and files may say anything; rich leaves escape characters in a text.
    """

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """The segments, whose own control codes are kept, and no others."""
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable() or segment.text == "\n":
                yield segment
            else:
                yield Segment(without_control(segment.text), segment.style)


def without_control(text: str) -> str:
    """The same text with every control character but the end of a line written out."""
    return "".join(c if c == "\n" or c.isprintable() else ascii(c)[1:-1] for c in text)


def make_console(*, stderr: bool, no_color: bool) -> Console:
    """A console on stderr or stdout.

    Args:
        stderr: for people; stdout belongs to results.
        no_color: no bold and dim either, as with NO_COLOR (https://no-color.org) in the
            environment; what is live in a terminal stays so.
    """
    stream = sys.stderr if stderr else sys.stdout
    plain = no_color or bool(os.environ.get("NO_COLOR"))
    return TextConsole(
        stderr=stderr,
        color_system=None if plain else "auto",
        # Square brackets and colons are what they are, in names and in what others have said.
        markup=False,
        emoji=False,
        highlight=False,
        width=None if stream.isatty() else UNFOLDED,
    )
