"""A cause: its documentation, and the functions that recognise it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from hadeploy.diagnose.diagnosis import Diagnosis, DiagnosisContext

Recogniser = Callable[[DiagnosisContext], Iterator[Diagnosis]]


@dataclass(frozen=True, eq=False)
class Cause:
    """One cause; `CAUSES` in all_causes.py sets the order of causes.

    Attributes:
        id: stable, because `--json` contains it.
        title: the problem.
        evidence: the facts that show it.
        remedy: the action in general; a diagnosis says what to do now.
        explains: ids of its consequences, which are not reported on the same node.
        recognisers: the functions that recognise it.
    """

    id: str
    title: str
    evidence: str
    remedy: str
    explains: tuple[str, ...] = ()
    recognisers: list[Recogniser] = field(default_factory=list, init=False)


def recognises(*causes: Cause) -> Callable[[Recogniser], Recogniser]:
    """Register a function that recognises these causes."""

    def register(function: Recogniser) -> Recogniser:
        for cause in causes:
            cause.recognisers.append(function)
        return function

    return register
