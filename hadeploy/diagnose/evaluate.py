"""Diagnosis from observations, the most probable cause first. Pure."""

from __future__ import annotations

import dataclasses

from hadeploy.adopt.recognise import with_adopt
from hadeploy.diagnose.all_causes import CAUSES, IDS
from hadeploy.diagnose.diagnosis import Diagnosis, DiagnosisContext
from hadeploy.plan.redacted_diff import shown

RECOGNISERS = tuple(dict.fromkeys(r for cause in CAUSES for r in cause.recognisers))


def diagnose(context: DiagnosisContext) -> list[Diagnosis]:
    """All recognised causes, without their consequences, the most probable first."""
    found = [diagnosis for recognise in RECOGNISERS for diagnosis in recognise(context)]
    roots = [d for d in found if not any(_explains(other, d) for other in found)]
    fixes = with_adopt(context.cluster, context.observed, [root.fix for root in roots])
    fixed = [dataclasses.replace(d, fix=fix or "") for d, fix in zip(roots, fixes, strict=True)]
    return sorted(map(_redacted, _merged(fixed)), key=lambda d: IDS.index(d.cause))


def _redacted(diagnosis: Diagnosis) -> Diagnosis:
    """Without secrets: a log may quote a line of a configuration."""
    return dataclasses.replace(diagnosis, evidence=tuple(map(shown, diagnosis.evidence)))


def _explains(first: Diagnosis, second: Diagnosis) -> bool:
    """Whether the second is a consequence of the first: on the same node, of the same program."""
    cause = CAUSES[IDS.index(first.cause)]
    same_role = first.role is None or second.role is None or first.role == second.role
    same_node = not set(second.nodes).isdisjoint(first.nodes)
    return second.cause in cause.explains and same_role and same_node


def _merged(found: list[Diagnosis]) -> list[Diagnosis]:
    """One diagnosis instead of the same one on several nodes."""
    merged: dict[tuple[str, str, str], Diagnosis] = {}
    for diagnosis in found:
        key = (diagnosis.cause, diagnosis.message, diagnosis.fix)
        if key in merged:
            first = merged[key]
            merged[key] = dataclasses.replace(
                first,
                nodes=tuple(dict.fromkeys((*first.nodes, *diagnosis.nodes))),
                evidence=tuple(dict.fromkeys((*first.evidence, *diagnosis.evidence))),
            )
        else:
            merged[key] = diagnosis
    return list(merged.values())
