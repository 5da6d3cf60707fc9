"""What a run tells about itself while it runs; `ui` decides how it looks."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Literal, Protocol

State = Literal["doing", "ok", "failed", "left"]


class Progress(Protocol):
    """Told by the run; called from several threads."""

    def phase(self, title: str) -> None:
        """A new phase of the whole run begins."""

    def node(self, node: str, text: str, state: State = "doing") -> None:
        """What one node is busy with, or how that ended."""

    def transfer(self, node: str, what: str, sent: int, total: int) -> None:
        """Bytes of a transfer so far."""

    def failed(self) -> None:
        """The phase comes to a bad end, though without an error."""

    def waiting(self, text: str) -> None:
        """What the run waits for."""

    def aside(self) -> AbstractContextManager[None]:
        """Leaves the terminal alone, so that the user can be asked something."""


class Silent:
    """Reports nothing."""

    def phase(self, title: str) -> None:
        """Report nothing."""

    def node(self, node: str, text: str, state: State = "doing") -> None:
        """Report nothing."""

    def transfer(self, node: str, what: str, sent: int, total: int) -> None:
        """Report nothing."""

    def failed(self) -> None:
        """Report nothing."""

    def waiting(self, text: str) -> None:
        """Report nothing."""

    def aside(self) -> AbstractContextManager[None]:
        """Leave nothing alone: there is no terminal."""
        return nullcontext()
