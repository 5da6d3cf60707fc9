"""Lines of logs as they are printed."""

import io
import json

from rich.console import Console

from hadeploy.logs.lines import Line
from hadeploy.logs.render import LinePrinter, line_document

NOON = 1795521600 * 10**9
LINE = Line(NOON + 1_500_000, "n1", "haproxy", "[bold]Loading[/] success.")


def printed(console: Console, *lines: Line) -> list[str]:
    file = io.StringIO()
    console.file = file
    printer = LinePrinter(console, ["n1", "n10"], ["haproxy", "keepalived"])
    for line in lines:
        printer.print(line)
    return file.getvalue().splitlines()


def test_columns_are_as_wide_as_the_longest_name() -> None:
    other = Line(NOON, "n10", "keepalived", "(hadeploy) Entering MASTER STATE " + "x" * 200)
    assert printed(Console(width=80), LINE, other) == [
        "2026-11-24T12:00:00.001Z n1  haproxy    | [bold]Loading[/] success.",
        "2026-11-24T12:00:00.000Z n10 keepalived | (hadeploy) Entering MASTER STATE " + "x" * 200,
    ]


def test_each_node_has_its_colour_and_the_text_has_none() -> None:
    console = Console(force_terminal=True, color_system="standard")
    other = Line(NOON, "n10", "haproxy", "x")
    first, second = printed(console, LINE, other)
    assert first == (
        "2026-11-24T12:00:00.001Z \x1b[36mn1  haproxy    |\x1b[0m [bold]Loading[/] success."
    )
    assert "\x1b[35mn10" in second


def test_a_program_gets_the_whole_time() -> None:
    assert json.loads(line_document(LINE)) == {
        "time": "2026-11-24T12:00:00.001500000Z",
        "node": "n1",
        "container": "haproxy",
        "line": "[bold]Loading[/] success.",
    }
