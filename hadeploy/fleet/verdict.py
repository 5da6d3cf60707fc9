"""The exit code of a fleet, and the result of each cluster in words. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from hadeploy.errors import ExitCode
from hadeploy.fleet.member import ClusterResult

NOT_STARTED = "not started"
DONE = {
    "check": "checks passed",
    "plan": "no changes",
    "up": "applied and verified",
    "verify": "verified",
    "status": "healthy",
    "down": "removed",
}
WORDS = {
    ExitCode.FAILED: "failed",
    ExitCode.USAGE: "invalid, nothing changed",
    ExitCode.UNREACHABLE: "unreachable or checks failed, nothing changed",
    ExitCode.NOT_PROVEN: "verification failed",
    ExitCode.CHANGES_PENDING: "changes pending",
    ExitCode.LOCKED: "locked by another run",
    ExitCode.DOWN: "does not serve",
    ExitCode.INTERRUPTED: "interrupted",
}
# Read-only commands.
READ_ONLY = {
    ("check", ExitCode.UNREACHABLE): "checks failed",
    ("plan", ExitCode.UNREACHABLE): "unreachable or checks failed",
    ("verify", ExitCode.UNREACHABLE): "unreachable",
    ("status", ExitCode.UNREACHABLE): "unreachable",
    ("status", ExitCode.NOT_PROVEN): "degraded",
}


def result_text(command: str, code: int | None) -> str:
    """The result of a command on a cluster, in words.

    Args:
        command: `up`, `plan`, ...
        code: its exit code; None if it did not start.
    """
    if code is None:
        return NOT_STARTED
    if code == ExitCode.OK:
        return DONE[command]
    known = ExitCode(code) if code in set(ExitCode) else ExitCode.FAILED
    return READ_ONLY.get((command, known)) or WORDS[known]


def failed(code: int | None) -> bool:
    """Whether the exit code is a failure; pending changes are not."""
    return code not in (None, ExitCode.OK, ExitCode.CHANGES_PENDING)


def fleet_code(codes: Iterable[int | None], *, interrupted: bool = False) -> ExitCode:
    """The exit code of the fleet.

    Args:
        codes: of each cluster; None if its command did not start.
        interrupted: whether the user interrupted the fleet.

    Returns:
        0 if all are 0; the common code of all failures; 1 if they differ.
    """
    every = set(codes)
    failures = {code for code in every if failed(code)}
    if interrupted:
        return ExitCode.INTERRUPTED
    if len(failures) == 1:
        (code,) = failures
        return ExitCode(code) if code in set(ExitCode) else ExitCode.FAILED
    if failures:
        return ExitCode.FAILED
    return ExitCode.CHANGES_PENDING if ExitCode.CHANGES_PENDING in every else ExitCode.OK


def with_text(command: str, result: ClusterResult, *, pending: bool) -> ClusterResult:
    """Add the result in words.

    Args:
        command: `up`, `plan`, ...
        result: with the exit code of the cluster's process.
        pending: whether pending changes have their own exit code (`plan --exit-code`).
    """
    text = result_text(command, result.code)
    if result.code == ExitCode.CHANGES_PENDING and not pending:
        return dataclasses.replace(result, result=text, code=int(ExitCode.OK))
    return dataclasses.replace(result, result=text)


def summary(results: Sequence[ClusterResult]) -> str:
    """The number of clusters with each result, the most frequent first."""
    words = [result.result for result in results]
    counted = sorted(dict.fromkeys(words), key=lambda word: -words.count(word))
    noun = "cluster" if len(results) == 1 else "clusters"
    return f"{len(results)} {noun}: " + "; ".join(f"{words.count(w)} {w}" for w in counted)
