"""The findings of the checks as text."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hadeploy.check.all_checks import CHECKS
from hadeploy.check.evaluate import in_order
from hadeploy.check.finding import Finding
from hadeploy.ui.verdicts import VERDICTS, verdict_cell


def render_checks(findings: Sequence[Finding], nodes: Sequence[str]) -> RenderableType:
    """A row for each check and a column for each node, then the failures and warnings with a fix.

    Args:
        findings: of all checks that ran.
        nodes: labels, in the order of the columns.
    """
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("check", no_wrap=True)
    for node in nodes:
        table.add_column(node)
    for check in CHECKS:
        made = [finding for finding in findings if finding.check == check.id]
        if made:
            table.add_row(
                check.id,
                *(
                    verdict_cell(f.verdict for f in made if f.node in (None, node))
                    for node in nodes
                ),
            )
    groups: dict[tuple[str, ...], list[Finding]] = {}
    for finding in in_order(list(findings)):
        if finding.verdict != "pass":
            key = (finding.check, finding.verdict, finding.message, finding.fix or "")
            groups.setdefault(key, []).append(finding)
    lines = [line for group in groups.values() for line in _lines(group)]
    return Group(table, *lines, _summary(findings))


def finding_line(finding: Finding) -> Text:
    """A finding in one line."""
    return _head([finding]).append(f" ({finding.fix})" if finding.fix else "", "dim")


def _lines(same: Sequence[Finding]) -> list[Text]:
    first = same[0]
    lines = [_head(same)]
    lines += [Text(f"  | {line}", "dim") for line in (first.detail or "").splitlines()[-20:]]
    if first.fix:
        lines.append(Text.assemble(("  fix: ", "cyan"), first.fix))
    return lines


def _head(same: Sequence[Finding]) -> Text:
    mark, style = VERDICTS[same[0].verdict]
    nodes = ", ".join(finding.node for finding in same if finding.node)
    text = Text.assemble((f"{mark} ", style), (f"{nodes}: " if nodes else "", "bold"))
    return text.append(f"{same[0].check}: ", "dim").append(same[0].message, style)


def _summary(findings: Sequence[Finding]) -> Text:
    failed = sum(1 for finding in findings if finding.verdict == "fail")
    warned = sum(1 for finding in findings if finding.verdict == "warn")
    if failed:
        return Text(f"{failed} of {len(findings)} checks failed, {warned} warned.", "bold red")
    if warned:
        return Text(f"No check failed; {warned} of {len(findings)} warned.", "yellow")
    return Text(f"All {len(findings)} checks passed.", "green")
