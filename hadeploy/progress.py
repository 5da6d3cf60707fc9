"""The progress of a run; `ui` displays it."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Literal, Protocol

State = Literal["doing", "ok", "failed", "idle"]


class Progress(Protocol):
    """A receiver of progress reports; the run calls it from several threads."""

    def phase(self, title: str) -> None:
        """Report that a new phase of the run begins."""

    def node(self, node: str, text: str, state: State = "doing") -> None:
        """Report the current work of a node, or its result."""

    def transfer(self, node: str, what: str, sent: int, total: int) -> None:
        """Report the bytes that are sent so far."""

    def failed(self) -> None:
        """Report that the current phase fails, although it raises no error."""

    def waiting(self, text: str) -> None:
        """Report what the run waits for."""

    def aside(self) -> AbstractContextManager[None]:
        """Stop drawing while the run asks the user a question."""


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
        """Do nothing: there is no terminal."""
        return nullcontext()
