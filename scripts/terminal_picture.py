"""Run a command in a real terminal and draw what it shows as an SVG.

    python scripts/terminal_picture.py OUTPUT.svg COMMAND [ARGUMENT ...]

The README's picture: on a fresh lab (`hadeploy lab down; hadeploy lab up`),
    python scripts/terminal_picture.py docs/up.svg hadeploy up
"""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import sys
import termios
from pathlib import Path

import pyte
from rich.console import Console
from rich.text import Text

COLUMNS, LINES = 100, 400
NAMES = {"brown": "yellow", "default": ""}


def run(command: list[str]) -> tuple[pyte.Screen, int]:
    """The terminal after a command has ended in it, and its exit code."""
    screen = pyte.Screen(COLUMNS, LINES)
    stream = pyte.ByteStream(screen)
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm-256color"
        os.execvp(command[0], command)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    while True:
        try:
            data = os.read(terminal, 65536)
        except OSError:
            break
        if not data:
            break
        stream.feed(data)
    return screen, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def as_text(screen: pyte.Screen) -> Text:
    """The screen with its colours, without the empty end."""
    lines = []
    for row in range(LINES):
        line = Text()
        for column in range(COLUMNS):
            char = screen.buffer[row][column]
            colour = NAMES.get(char.fg, char.fg)
            known = colour in (
                "red",
                "green",
                "yellow",
                "blue",
                "magenta",
                "cyan",
                "white",
                "black",
            )
            style = f"{'bold ' if char.bold else ''}{colour if known else ''}".strip()
            line.append(char.data, style)
        line.rstrip()
        lines.append(line)
    while lines and not lines[-1].plain:
        lines.pop()
    return Text("\n").join(lines)


def main() -> None:
    """Run, draw, and end as the command ended."""
    output, *command = sys.argv[1:]
    screen, code = run(command)
    with Path(os.devnull).open("w") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere, force_terminal=True)
        console.print(Text.assemble(("$ ", "green"), (" ".join(command), "bold")))
        console.print(as_text(screen))
    console.save_svg(output, title=" ".join(command))
    sys.exit(code)


if __name__ == "__main__":
    main()
