"""From observations to what is wrong, the root of the matter first. Pure."""

from __future__ import annotations

import dataclasses

from hadeploy.adopt.recognise import with_adopt
from hadeploy.diagnose.all_causes import CAUSES, IDS
from hadeploy.diagnose.diagnosis import Diagnosis, DiagnosisContext
from hadeploy.plan.redacted_diff import shown

RECOGNISERS = tuple(dict.fromkeys(r for cause in CAUSES for r in cause.recognisers))


def diagnose(context: DiagnosisContext) -> list[Diagnosis]:
    """Every cause that can be told, the most probable one first; what follows from one is left out.

    Args:
        context: what was observed, and the proofs of it.
    """
    found = [diagnosis for recognise in RECOGNISERS for diagnosis in recognise(context)]
    roots = [d for d in found if not any(_explains(other, d) for other in found)]
    fixes = with_adopt(context.cluster, context.observed, [one.fix for one in roots])
    told = [dataclasses.replace(d, fix=fix or "") for d, fix in zip(roots, fixes, strict=True)]
    return sorted(map(_redacted, _together(told)), key=lambda d: IDS.index(d.cause))


def _redacted(one: Diagnosis) -> Diagnosis:
    """Without secrets: a log may quote a line of a configuration."""
    return dataclasses.replace(one, evidence=tuple(map(shown, one.evidence)))


def _explains(one: Diagnosis, other: Diagnosis) -> bool:
    """Whether the other follows from this one: on a node of both, and of the same program."""
    cause = CAUSES[IDS.index(one.cause)]
    alike = one.role is None or other.role is None or one.role == other.role
    return other.cause in cause.explains and alike and not set(other.nodes).isdisjoint(one.nodes)


def _together(found: list[Diagnosis]) -> list[Diagnosis]:
    """What is the same on several nodes, once."""
    same: dict[tuple[str, str, str], Diagnosis] = {}
    for one in found:
        key = (one.cause, one.message, one.fix)
        if key in same:
            first = same[key]
            same[key] = dataclasses.replace(
                first,
                nodes=tuple(dict.fromkeys((*first.nodes, *one.nodes))),
                evidence=tuple(dict.fromkeys((*first.evidence, *one.evidence))),
            )
        else:
            same[key] = one
    return list(same.values())
