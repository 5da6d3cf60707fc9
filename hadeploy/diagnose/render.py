"""The diagnosis on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from hadeploy.diagnose.diagnosis import Diagnosis

# What fits on a screen; --json has the rest.
MAX_CAUSES, MAX_EVIDENCE = 4, 5


def render_diagnosis(diagnosis: Sequence[Diagnosis]) -> RenderableType:
    """The causes, the most probable first, each with its evidence and fix."""
    lines = [Text("diagnosis:", "bold")]
    for cause in diagnosis[:MAX_CAUSES]:
        nodes = f"{', '.join(cause.nodes)}: " if cause.nodes else ""
        lines.append(Text.assemble("• ", (nodes, "bold"), (cause.message, "red")))
        lines += [Text(f"    {line}", "dim") for line in cause.evidence[:MAX_EVIDENCE]]
        if len(cause.evidence) > MAX_EVIDENCE:
            lines.append(Text(f"    and {len(cause.evidence) - MAX_EVIDENCE} more lines", "dim"))
        lines.append(Text.assemble(("  fix: ", "cyan"), cause.fix))
    if len(diagnosis) > MAX_CAUSES:
        lines.append(Text(f"and {len(diagnosis) - MAX_CAUSES} more causes (--json)", "dim"))
    return Group(*lines)
