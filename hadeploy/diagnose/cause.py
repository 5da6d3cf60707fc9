"""A cause: what its documentation says, and the functions that recognise it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from hadeploy.diagnose.diagnosis import Diagnosis, DiagnosisContext

Recogniser = Callable[[DiagnosisContext], Iterator[Diagnosis]]


@dataclass(frozen=True, eq=False)
class Cause:
    """One cause.

    It stands beside the functions that recognise it; `CAUSES` of all_causes.py has its place among
    the others.

    Attributes:
        id: stable; `--json` uses it.
        title: what is the matter.
        evidence: what it is recognised by.
        fix: what to do.
        explains: ids of causes that follow from it on the same node, and so are not told.
        recognisers: functions that recognise it.
    """

    id: str
    title: str
    evidence: str
    fix: str
    explains: tuple[str, ...] = ()
    recognisers: list[Recogniser] = field(default_factory=list, init=False)


def recognises(*causes: Cause) -> Callable[[Recogniser], Recogniser]:
    """Decorate a function that recognises these causes."""

    def register(function: Recogniser) -> Recogniser:
        for cause in causes:
            cause.recognisers.append(function)
        return function

    return register
