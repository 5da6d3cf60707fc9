"""The result of a command."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import click

from hadeploy.actions.result import Result
from hadeploy.errors import ExitCode, HadeployError, NodesError

if TYPE_CHECKING:
    from hadeploy.status.cluster_status import ClusterStatus


@dataclass
class Outcome(Result):
    """The result of a command, and the source of its --json document.

    Attributes:
        command: its name; None if the command line has none.
        one_line: whether to print the document on one line, because several follow each other.
    """

    command: str | None = None
    errors: list[HadeployError] = field(default_factory=list)
    nodes: dict[str, str] = field(default_factory=dict)
    archive: str | None = None
    report: str | None = None
    status: ClusterStatus | None = None
    code: ExitCode = ExitCode.OK
    one_line: bool = False

    def document(self) -> dict[str, Any]:
        """The document that docs/json.md describes."""
        return {
            "command": self.command,
            "cluster": self.cluster,
            "exit_code": int(self.code),
            "changes": self.plan.changes if self.plan else None,
            "plan": self.plan.document() if self.plan else None,
            "together": list(self.plan.coordinated) if self.plan else [],
            "warnings": list(self.plan.warnings) if self.plan else [],
            "undoes": list(self.plan.undoes) if self.plan else [],
            "removes": list(self.plan.removes) if self.plan else [],
            "nodes": self.nodes,
            "vip_wait_seconds": self.vip_wait_seconds,
            "images": [dataclasses.asdict(delivery) for delivery in self.images],
            "drill": [result.document() for result in self.drill.results] if self.drill else [],
            "checks": [finding.document() for finding in self.checks],
            "config_warnings": [warning.document() for warning in self.config_warnings],
            "proofs": [proof.document() for proof in self.proofs],
            "archive": self.archive,
            "report": self.report,
            "status": dataclasses.asdict(self.status) if self.status else None,
            "diagnosis": [diagnosis.document() for diagnosis in self.diagnosis],
            "errors": [error_document(error) for error in self.errors],
        }

    def print(self) -> None:
        """Print the document on stdout."""
        click.echo(json.dumps(self.document(), indent=None if self.one_line else 2))


def error_document(error: HadeployError) -> dict[str, Any]:
    """One error in the document."""
    return {
        "node": error.node,
        "operation": error.operation,
        "message": error.message,
        "detail": error.detail,
        "hint": error.hint,
    }


class Ending(Protocol):
    """What the end of a command is recorded in."""

    code: ExitCode
    errors: list[HadeployError]


@contextmanager
def failures_recorded(ending: Ending) -> Iterator[None]:
    """Record why the body fails, and the exit code that follows."""
    try:
        yield
    except HadeployError as error:
        ending.code = error.code
        ending.errors = error.errors if isinstance(error, NodesError) else [error]
        raise
    except (KeyboardInterrupt, click.Abort):
        ending.code = ExitCode.INTERRUPTED
        raise
    except BaseException as error:
        ending.code = ExitCode.FAILED
        ending.errors = [HadeployError(f"internal error: {type(error).__name__}: {error}")]
        raise


def misused(error: click.UsageError) -> Outcome:
    """The result of an invalid command line."""
    names: list[str] = []
    context = error.ctx
    while context and context.parent:
        names.insert(0, context.info_name or "")
        context = context.parent
    refused = HadeployError(
        error.format_message(),
        operation="reading the command line",
        hint=f"{error.ctx.command_path} --help" if error.ctx else None,
        code=ExitCode.USAGE,
    )
    return Outcome(command=" ".join(names) or None, errors=[refused], code=refused.code)
