"""Log lines as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from hadeploy.logs.lines import Line, stamp

# For the nodes in turn; red and yellow are for problems.
STYLES = ("cyan", "magenta", "green", "blue", "bright_cyan", "bright_magenta", "bright_green")


class LinePrinter:
    """Prints lines with time, node and container.

    Args:
        console: on stdout.
        nodes: the labels of all nodes, in order.
        containers: the names of all containers.
    """

    def __init__(self, console: Console, nodes: Sequence[str], containers: Sequence[str]) -> None:
        self._file = console.file
        widths = max(map(len, nodes)), max(map(len, containers))
        # Only the prefixes have a style: rendering every line would take longer than reading it.
        self._prefixes = {
            (node, container): _rendered(
                console,
                Text(
                    f"{node:{widths[0]}} {container:{widths[1]}} |",
                    STYLES[number % len(STYLES)],
                ),
            )
            for number, node in enumerate(nodes)
            for container in containers
        }

    def print(self, line: Line) -> None:
        """Print one line."""
        prefix = self._prefixes[line.node, line.container]
        self._file.write(f"{stamp(line.at, 3)} {prefix} {line.text}\n")


def _rendered(console: Console, text: Text) -> str:
    with console.capture() as captured:
        console.print(text, end="", soft_wrap=True)
    return captured.get()


def line_document(line: Line) -> str:
    """The line as a JSON object, as docs/json.md describes it."""
    return json.dumps(
        {
            "time": stamp(line.at),
            "node": line.node,
            "container": line.container,
            "line": line.text,
        }
    )
