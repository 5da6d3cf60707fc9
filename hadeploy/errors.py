"""Errors that an operator can act on, and the exit codes."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """The process exit codes; documented in README.md."""

    OK = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    NOT_PROVEN = 4
    CHANGES_PENDING = 5
    LOCKED = 6
    DOWN = 7
    INTERRUPTED = 130


class HadeployError(Exception):
    """A failure whose description fits on one screen.

    Args:
        message: the cause, in one sentence.
        node: the label of the node, or None if the failure concerns no single node.
        operation: what failed ("connecting to 198.51.100.11:22").
        hint: what to do next.
        detail: the verbatim output of the failed program, without secrets.
        code: the exit code of the process.
        stage: the id of the check that failed while connecting, or "".
    """

    def __init__(
        self,
        message: str,
        *,
        node: str | None = None,
        operation: str | None = None,
        hint: str | None = None,
        detail: str | None = None,
        code: ExitCode = ExitCode.FAILED,
        stage: str = "",
    ) -> None:
        super().__init__(message)
        self.stage = stage
        self.message = message
        self.node = node
        self.operation = operation
        self.hint = hint
        self.detail = detail
        self.code = code

    def __str__(self) -> str:
        place = f"{self.node}: " if self.node else ""
        operation = f"{self.operation}: " if self.operation else ""
        return f"{place}{operation}{self.message}"


class NodesError(HadeployError):
    """The failures of all nodes in one phase."""

    def __init__(self, errors: list[HadeployError]) -> None:
        first = errors[0]
        super().__init__(
            "; ".join(str(e) for e in errors), hint=first.hint, code=max(e.code for e in errors)
        )
        self.errors = errors
