"""Progress for people: live in a terminal, plain lines elsewhere; always on stderr."""

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
    "left": ("-", "dim"),
}


class Lines:
    """One line an event, for logs and CI."""

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
        """Print what the node is busy with."""
        mark, style = MARKS[state]
        self._print(Text.assemble((f"{mark} ", style), (f"{node}: ", "bold"), text))

    def transfer(self, node: str, what: str, sent: int, total: int) -> None:
        """Print the end of a transfer only."""
        if sent == total:
            self.node(node, f"sent {what}, {total / 1e6:.0f} MB; the node unpacks it")

    def failed(self) -> None:
        """Nothing to print: what failed is told."""

    def waiting(self, text: str) -> None:
        """Print it once."""
        if text != self._waited:
            self._waited = text
            self._print(Text(f"waiting: {text}", style="dim"))

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Nothing of it is live."""
        yield

    def _print(self, text: Text) -> None:
        self._console.print(text, soft_wrap=True)


class Screen:
    """A line for each node that changes in place, below the phases that are done.

    Args:
        console: for people.
        nodes: labels.
        brief: whether nothing of it stays on the screen.
    """

    def __init__(self, console: Console, nodes: list[str], *, brief: bool = False) -> None:
        self._console = console
        self._brief = brief
        self._lock = threading.Lock()
        self._lines: dict[str, tuple[State, str]] = dict.fromkeys(nodes, ("left", ""))
        self._phase = ""
        self._started = time.monotonic()
        self._waiting = ""
        self._failed = False
        self._spinner = Spinner("dots", style="cyan")
        self._live = Live(
            get_renderable=self._picture, console=console, refresh_per_second=8, transient=True
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
        """Write the finished phase down and begin the next."""
        with self._lock:
            self._end_phase(failed=False)
            self._phase, self._started, self._waiting = title, time.monotonic(), ""

    def node(self, node: str, text: str, state: State = "doing") -> None:
        """Change the node's line; results are also written down."""
        with self._lock:
            self._lines[node] = (state, text)
            if state in ("ok", "failed") and not self._brief:
                mark, style = MARKS[state]
                self._console.print(
                    Text.assemble("  ", (f"{mark} ", style), (f"{node} ", "bold"), text)
                )

    def transfer(self, node: str, what: str, sent: int, total: int) -> None:
        """A bar in the node's line."""
        share = sent / total if total else 1.0
        bar = "━" * int(share * 24)
        rest = "unpacking" if sent >= total else f"{sent / 1e6:.0f} of {total / 1e6:.0f} MB"
        with self._lock:
            self._lines[node] = ("doing", f"{what} {bar:╌<24} {rest}")

    def failed(self) -> None:
        """Remember it for the mark."""
        with self._lock:
            self._failed = True

    def waiting(self, text: str) -> None:
        """Shown until the phase ends."""
        with self._lock:
            self._waiting = text

    @contextmanager
    def aside(self) -> Iterator[None]:
        """The live part goes, and comes back."""
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

    def _picture(self) -> Group:
        grid = Table.grid(padding=(0, 1))
        for node, (state, text) in self._lines.items():
            mark, style = MARKS[state]
            grid.add_row(
                "  ", Text(mark, style), Text(node, "bold"), Text(text, overflow="ellipsis")
            )
        title = f"{self._phase}{': waiting, ' + self._waiting if self._waiting else ''}"
        self._spinner.update(text=Text(title, style="bold"))
        return Group(self._spinner, grid)


class Fleeting:
    """The phase in one line that is gone in the end, where the result is all that counts."""

    def __init__(self, console: Console) -> None:
        self._status = console.status("", spinner_style="cyan") if console.is_terminal else None

    def __enter__(self) -> Fleeting:
        if self._status:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status:
            self._status.stop()

    def phase(self, title: str) -> None:
        """Show it."""
        if self._status:
            self._status.update(Text(title, style="bold"))

    def node(self, node: str, text: str, state: State = "doing") -> None:
        """Nothing to show."""

    def transfer(self, node: str, what: str, sent: int, total: int) -> None:
        """Nothing to show."""

    def failed(self) -> None:
        """Nothing to show: what failed is told."""

    def waiting(self, text: str) -> None:
        """Nothing to show."""

    @contextmanager
    def aside(self) -> Iterator[None]:
        """The line goes, and comes back."""
        self.__exit__()
        try:
            yield
        finally:
            self.__enter__()
