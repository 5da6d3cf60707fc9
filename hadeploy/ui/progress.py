"""Progress on stderr: live in a terminal, plain lines otherwise."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from hadeploy.progress import State

MARKS: dict[State, tuple[str, str]] = {
    "doing": ("…", "cyan"),
    "ok": ("✓", "green"),
    "failed": ("✗", "red"),
    "idle": ("-", "dim"),
}


class Lines:
    """One line for each event, for logs and CI."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._waited = ""

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def phase(self, title: str) -> None:
        """Print the phase."""
        self._print(Text(f"== {title}", style="bold"))

    def node(self, node: str, text: str, state: State = "doing") -> None:
        """Print the node's work or result."""
        mark, style = MARKS[state]
        self._print(Text.assemble((f"{mark} ", style), (f"{node}: ", "bold"), text))

    def transfer(self, node: str, what: str, sent: int, total: int) -> None:
        """Print the end of a transfer."""
        if sent == total:
            self.node(node, f"sent {what}, {total / 1e6:.0f} MB; unpacking on the node")

    def failed(self) -> None:
        """Print nothing: the failure itself is printed."""

    def waiting(self, text: str) -> None:
        """Print the text once."""
        if text != self._waited:
            self._waited = text
            self._print(Text(f"waiting: {text}", style="dim"))

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Do nothing: no output is live."""
        yield

    def _print(self, text: Text) -> None:
        self._console.print(text, soft_wrap=True)


class Screen:
    """A line for each node that is updated in place, below the finished phases.

    Args:
        console: on stderr.
        nodes: labels.
        brief: whether to clear all output at the end.
    """

    def __init__(self, console: Console, nodes: list[str], *, brief: bool = False) -> None:
        self._console = console
        self._brief = brief
        self._lock = threading.Lock()
        self._lines: dict[str, tuple[State, str]] = dict.fromkeys(nodes, ("idle", ""))
        self._phase = ""
        self._started = time.monotonic()
        self._waiting = ""
        self._failed = False
        self._spinner = Spinner("dots", style="cyan")
        self._live = Live(
            get_renderable=self._render, console=console, refresh_per_second=8, transient=True
        )

    def __enter__(self) -> Screen:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end_phase(failed=kind is not None)
        self._live.stop()

    def phase(self, title: str) -> None:
        """Print the finished phase, and begin the next."""
        with self._lock:
            self._end_phase(failed=False)
            self._phase, self._started, self._waiting = title, time.monotonic(), ""

    def node(self, node: str, text: str, state: State = "doing") -> None:
        """Update the node's line; also print results permanently."""
        with self._lock:
            self._lines[node] = (state, text)
            if state in ("ok", "failed") and not self._brief:
                mark, style = MARKS[state]
                self._console.print(
                    Text.assemble("  ", (f"{mark} ", style), (f"{node} ", "bold"), text)
                )

    def transfer(self, node: str, what: str, sent: int, total: int) -> None:
        """Show a bar in the node's line."""
        share = sent / total if total else 1.0
        bar = "━" * int(share * 24)
        rest = "unpacking" if sent >= total else f"{sent / 1e6:.0f} of {total / 1e6:.0f} MB"
        with self._lock:
            self._lines[node] = ("doing", f"{what} {bar:╌<24} {rest}")

    def failed(self) -> None:
        """Mark the phase as failed when it ends."""
        with self._lock:
            self._failed = True

    def waiting(self, text: str) -> None:
        """Show the text until the phase ends."""
        with self._lock:
            self._waiting = text

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Hide the live lines."""
        self._live.stop()
        try:
            yield
        finally:
            self._live.start()

    def _end_phase(self, *, failed: bool) -> None:
        if not self._phase or self._brief:
            return
        mark, style = MARKS["failed" if failed or self._failed else "ok"]
        self._failed = False
        seconds = time.monotonic() - self._started
        self._console.print(
            Text.assemble((f"{mark} ", style), (self._phase, "bold"), (f"  {seconds:.1f} s", "dim"))
        )
        self._phase = ""

    def _render(self) -> Group:
        grid = Table.grid(padding=(0, 1))
        for node, (state, text) in self._lines.items():
            mark, style = MARKS[state]
            grid.add_row(
                "  ", Text(mark, style), Text(node, "bold"), Text(text, overflow="ellipsis")
            )
        title = f"{self._phase}{': waiting, ' + self._waiting if self._waiting else ''}"
        self._spinner.update(text=Text(title, style="bold"))
        return Group(self._spinner, grid)
