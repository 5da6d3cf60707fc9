"""Lines of logs as people and programs read them."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from hadeploy.logs.lines import Line, stamp

# One for each node, in turn; red and yellow are for what is wrong.
STYLES = ("cyan", "magenta", "green", "blue", "bright_cyan", "bright_magenta", "bright_green")


class LinePrinter:
    """Prints lines, each after its time, node and container.

    Args:
        console: on stdout.
        nodes: all that there may be, in order.
        containers: likewise.
    """

    def __init__(self, console: Console, nodes: Sequence[str], containers: Sequence[str]) -> None:
        self._file = console.file
        wide, wider = max(map(len, nodes)), max(map(len, containers))
        # Only what is in front has a style: to render every line takes longer than to fetch it.
        self._fronts = {
            (node, container): _rendered(
                console,
                Text(f"{node:{wide}} {container:{wider}} |", STYLES[number % len(STYLES)]),
            )
            for number, node in enumerate(nodes)
            for container in containers
        }

    def print(self, line: Line) -> None:
        """Print it."""
        front = self._fronts[line.node, line.container]
        self._file.write(f"{stamp(line.at, 3)} {front} {line.text}\n")


def _rendered(console: Console, text: Text) -> str:
    with console.capture() as captured:
        console.print(text, end="", soft_wrap=True)
    return captured.get()


def line_document(line: Line) -> str:
    """The line as one JSON object; docs/json.md describes it."""
    return json.dumps(
        {
            "time": stamp(line.at),
            "node": line.node,
            "container": line.container,
            "line": line.text,
        }
    )
