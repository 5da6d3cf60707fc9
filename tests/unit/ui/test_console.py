"""Without colours there are no escape codes."""

import io

import pytest
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.text import Text

from hadeploy.errors import HadeployError
from hadeploy.ui.console import make_console, without_control
from hadeploy.ui.render import print_error


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("no_color", "variable", "coloured"),
    [
        (False, None, True),
        (True, None, False),
        (False, "1", False),
        # As https://no-color.org says.
        (False, "", True),
    ],
)
def test_no_color_means_no_bold_and_no_dim_either(
    monkeypatch: pytest.MonkeyPatch, no_color: bool, variable: str | None, coloured: bool
) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    if variable is not None:
        monkeypatch.setenv("NO_COLOR", variable)
    console = make_console(stderr=True, no_color=no_color)
    console.print(Text.assemble(("a", "bold red"), ("b", "dim")))
    assert ("\x1b[" in terminal.getvalue()) == coloured
    assert coloured or terminal.getvalue() == "ab\n"
    assert console.is_terminal, "what is live stays live"


HOSTILE = "a\x1b]52;c;ZXZpbA==\x07b\x9b31mc\u202ed"
HARMLESS = r"a\x1b]52;c;ZXZpbA==\x07b\x9b31mc\u202ed"


@pytest.mark.parametrize(
    "renderable",
    [
        HOSTILE,
        Text(HOSTILE, "red"),
        Panel(HOSTILE),
        Group(Text("first"), Padding(Text(HOSTILE), 1)),
        HadeployError(HOSTILE, node=HOSTILE, operation=HOSTILE, hint=HOSTILE, detail=HOSTILE),
    ],
    ids=["text", "styled", "panel", "group", "error"],
)
def test_a_terminal_interprets_no_output_of_others(
    monkeypatch: pytest.MonkeyPatch, renderable: RenderableType | HadeployError
) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    console = make_console(stderr=True, no_color=True)
    if isinstance(renderable, HadeployError):
        print_error(console, renderable)
    else:
        console.print(renderable)
    shown = terminal.getvalue()
    assert all(c == "\n" or c.isprintable() for c in shown)
    assert r"a\x1b]52;c;" in shown
    assert without_control(f"{HOSTILE}\n") == f"{HARMLESS}\n"
