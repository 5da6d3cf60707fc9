"""How a fleet has ended: an exit code, and words for each cluster; pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from hadeploy.errors import ExitCode
from hadeploy.fleet.member import ClusterResult

NOT_BEGUN = "not begun"
DONE = {
    "check": "fit",
    "plan": "no changes",
    "up": "up and proven",
    "verify": "proven",
    "status": "healthy",
    "down": "removed",
}
WORDS = {
    ExitCode.FAILED: "failed",
    ExitCode.USAGE: "refused, nothing touched",
    ExitCode.UNREACHABLE: "unreachable or not fit, nothing touched",
    ExitCode.NOT_PROVEN: "not proven",
    ExitCode.CHANGES_PENDING: "changes to make",
    ExitCode.LOCKED: "locked by another run",
    ExitCode.DOWN: "does not serve",
    ExitCode.INTERRUPTED: "interrupted",
}
# What a code means differently after a command that only looks.
LOOKED = {
    ("check", ExitCode.UNREACHABLE): "not fit",
    ("plan", ExitCode.UNREACHABLE): "unreachable or not fit",
    ("verify", ExitCode.UNREACHABLE): "unreachable",
    ("status", ExitCode.UNREACHABLE): "unreachable",
    ("status", ExitCode.NOT_PROVEN): "degraded",
}


def in_words(command: str, code: int | None) -> str:
    """What became of a cluster.

    Args:
        command: `up`, `plan`, ...
        code: its exit code; None if it was not begun.
    """
    if code is None:
        return NOT_BEGUN
    if code == ExitCode.OK:
        return DONE[command]
    known = ExitCode(code) if code in set(ExitCode) else ExitCode.FAILED
    return LOOKED.get((command, known)) or WORDS[known]


def failed(code: int | None) -> bool:
    """Whether that is a failure; changes that are still to be made are none."""
    return code not in (None, ExitCode.OK, ExitCode.CHANGES_PENDING)


def fleet_code(codes: Iterable[int | None], *, interrupted: bool = False) -> ExitCode:
    """The exit code of the whole.

    Args:
        codes: of each cluster; None where it was not begun.
        interrupted: whether the user has stopped it.

    Returns:
        0 if all are 0; what the failures have in common; 1 if they differ.
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


def judged(command: str, ending: ClusterResult, *, pending: bool) -> ClusterResult:
    """Put an ending into words.

    Args:
        command: `up`, `plan`, ...
        ending: with the exit code of the cluster's process.
        pending: whether changes that are to be made have an exit code of their own
            (`plan --exit-code`).
    """
    said = dataclasses.replace(ending, result=in_words(command, ending.code))
    if ending.code == ExitCode.CHANGES_PENDING and not pending:
        return dataclasses.replace(said, code=int(ExitCode.OK))
    return said


def summary(endings: Sequence[ClusterResult]) -> str:
    """How many clusters ended how, in one sentence; the most frequent end first."""
    words = [ending.result for ending in endings]
    counted = sorted(dict.fromkeys(words), key=lambda word: -words.count(word))
    many = "cluster" if len(endings) == 1 else "clusters"
    return f"{len(endings)} {many}: " + "; ".join(f"{words.count(w)} {w}" for w in counted)
