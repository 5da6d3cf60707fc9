"""Why proofs failed, as people read it."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from hadeploy.diagnose.diagnosis import Diagnosis

# Of all that is recognised, so much fits on a screen; --json has the rest.
MOST, MOST_EVIDENCE = 4, 5


def render_diagnosis(diagnosis: Sequence[Diagnosis]) -> RenderableType:
    """The causes, the most probable one first; each with its evidence and the fix."""
    lines = [Text("why:", "bold")]
    for one in diagnosis[:MOST]:
        where = f"{', '.join(one.nodes)}: " if one.nodes else ""
        lines.append(Text.assemble("• ", (where, "bold"), (one.message, "red")))
        lines += [Text(f"    {line}", "dim") for line in one.evidence[:MOST_EVIDENCE]]
        if len(one.evidence) > MOST_EVIDENCE:
            lines.append(Text(f"    and {len(one.evidence) - MOST_EVIDENCE} lines more", "dim"))
        lines.append(Text.assemble(("  fix: ", "cyan"), one.fix))
    if len(diagnosis) > MOST:
        lines.append(Text(f"and {len(diagnosis) - MOST} causes more (--json)", "dim"))
    return Group(*lines)
