"""Run a command in a terminal and save its output as an SVG image.

    python scripts/terminal_picture.py OUTPUT.svg COMMAND [ARGUMENT ...]

For the image in README.md, start a fresh lab (`hadeploy lab down; hadeploy lab up`) and run
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
# Names of pyte that rich does not know.
NAMES = {"brown": "yellow", "default": ""}
COLOURS = ("red", "green", "yellow", "blue", "magenta", "cyan", "white", "black")


def run(command: list[str]) -> tuple[pyte.Screen, int]:
    """The screen at the end of a command, and its exit code."""
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
    """The screen with its colours, without trailing empty lines."""
    lines = []
    for row in range(LINES):
        line = Text()
        for column in range(COLUMNS):
            char = screen.buffer[row][column]
            colour = NAMES.get(char.fg, char.fg)
            style = f"{'bold ' if char.bold else ''}{colour if colour in COLOURS else ''}".strip()
            line.append(char.data, style)
        line.rstrip()
        lines.append(line)
    while lines and not lines[-1].plain:
        lines.pop()
    return Text("\n").join(lines)


def main() -> None:
    """Run the command, save the image, and exit with the command's exit code."""
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
