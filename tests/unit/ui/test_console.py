"""Who wants no colours gets no escape codes at all."""

import io

import pytest
from rich.text import Text

from hadeploy.ui.console import make_console


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
