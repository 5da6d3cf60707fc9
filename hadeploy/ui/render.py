"""Plans, proofs and errors as text."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from hadeploy.errors import HadeployError, NodesError
from hadeploy.plan.steps import Impact, NodePlan, Plan, Step
from hadeploy.ui.verdicts import VERDICTS, verdict_cell
from hadeploy.verify.proof import Proof

if TYPE_CHECKING:
    from hadeploy.rollout.validation import ConfigWarning

DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}
IMPACTS = {
    Impact.NONE: "dim",
    Impact.RELOAD: "cyan",
    Impact.HANDOVER: "yellow",
    Impact.RESTART: "yellow",
    Impact.OUTAGE: "red",
}
HEADS = ("step", "what", "why", "impact")
INDENT, GAP = 2, 2
# Minimum widths in a narrow terminal: the paths on every node, and single words of a reason.
MIN_SUBJECT, MIN_REASON = 28, 16


def render_diffs(plan: Plan) -> RenderableType:
    """The diffs of all steps; nodes with the same diff are grouped."""
    groups: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for node in plan.nodes:
        for step in node.steps:
            if step.diff:
                groups.setdefault((step.subject, step.diff), []).append(node.node)
    lines = []
    for (subject, diff), nodes in groups.items():
        lines.append(
            Text.assemble(("\n", ""), (f"{subject} ", "bold"), (f"on {', '.join(nodes)}", "dim"))
        )
        lines += [Text(line, DIFF_STYLES.get(line[:1], "")) for line in diff]
    return Group(*lines)


@dataclass(frozen=True)
class _Steps:
    """The steps in columns that fit the terminal; consecutive equal nodes are grouped."""

    plan: Plan

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        widths = self._widths(options.max_width)
        yield _row(widths, *(Text(head, "dim") for head in HEADS))
        for _key, group in itertools.groupby(self.plan.nodes, _as_shown):
            nodes = list(group)
            label = ", ".join(node.node for node in nodes)
            yield Text(f"{label} (holds the VIP)" if nodes[0].holder else label, "bold")
            if not nodes[0].steps:
                yield Padding(Text("no changes", "dim"), (0, 0, 0, INDENT))
            for step in nodes[0].steps:
                yield _row(
                    widths,
                    Text(step.action.replace("-", " ")),
                    Text(step.subject),
                    _why(step),
                    Text(step.impact.value, IMPACTS[step.impact]),
                )

    def _widths(self, room: int) -> tuple[int, ...]:
        steps = [step for node in self.plan.nodes for step in node.steps]
        cells = [(s.action, s.subject, _why(s).plain, s.impact.value) for s in steps]
        action, subject, reason, impact = (
            max(map(len, column)) for column in zip(HEADS, *cells, strict=True)
        )
        left = room - INDENT - action - impact - 3 * GAP
        subject = min(subject, max(left - reason, min(MIN_SUBJECT, left - MIN_REASON), 1))
        return action, subject, min(reason, max(left - subject, 1)), impact


def _why(step: Step) -> Text:
    reason = Text(step.reason, "dim")
    return Text.assemble(("drift: ", "yellow"), reason) if step.drift else reason


def _as_shown(node: NodePlan) -> tuple[bool, bool, list[tuple[str, str, str, Impact, bool]]]:
    return (
        node.holder,
        node.coordinated,
        [(s.action, s.subject, s.reason, s.impact, s.drift) for s in node.steps],
    )


def _row(widths: tuple[int, ...], *cells: Text) -> RenderableType:
    grid = Table.grid(padding=(0, GAP, 0, 0))
    for width in widths:
        grid.add_column(overflow="fold", width=width)
    grid.add_row(*cells)
    return Padding(grid, (0, 0, 0, INDENT), expand=False)


def render_plan(plan: Plan, then: str = "") -> RenderableType:
    """The steps of each node, in the order of the rollout; readable in 80 columns.

    Args:
        then: a sentence about what happens after the plan.
    """
    drained = dict.fromkeys(node.node for node in plan.nodes if node.drained)
    notes = (
        [Text(f"{', '.join(drained)}: drained, never holds the VIP", "yellow")] if drained else []
    )
    notes += [Text(plan.applied, "yellow")] if plan.applied else []
    notes += [Text(sentence, "red") for sentence in (*plan.undoes, *plan.removes)]
    notes += [Text(sentence, "yellow") for sentence in plan.warnings]
    if then:
        notes.append(Text(then, "yellow"))
    if not plan.changes and not then:
        return Group(Text("No changes. The nodes match the inventory.", "green"), *notes)
    changed = len({node.node for node in plan.nodes if node.steps})
    total = len({node.node for node in plan.nodes})
    summary = Text(f"{plan.changes} changes on {changed} of {total} nodes.")
    return Group(_Steps(plan), summary, *notes)


# The columns of the final table, and the proofs that each column summarizes.
COLUMNS = {
    "containers": ("container-running",),
    "port": ("port-listens",),
    "haproxy": ("haproxy-answers",),
    "VRRP": ("keepalived-agrees", "check-runs"),
    "through the VIP": ("vip-answers-node",),
}


def config_warning_line(warning: ConfigWarning) -> Text:
    """A program's warning about its configuration, with the line of the configuration."""
    text = Text.assemble(("! ", "yellow"), (f"{', '.join(warning.nodes)}: ", "bold"))
    text.append(f"{warning.program} warns: {warning.message}", "yellow")
    return text.append(f" ({warning.line})" if warning.line else "", "dim")


def render_proofs(proofs: list[Proof]) -> RenderableType:
    """A row for each node, then the proofs of the cluster and the failed proofs of nodes."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("node", *COLUMNS):
        table.add_column(column)
    for node in dict.fromkeys(proof.node for proof in proofs if proof.node):
        cells = [
            _cell([p for p in proofs if p.node == node and p.name in names])
            for names in COLUMNS.values()
        ]
        table.add_row(Text(node, "bold"), *cells)
    shown = [p for p in proofs if not p.follows and (p.node is None or p.verdict != "pass")]
    lines = [_line(p, _consequences(p, proofs)) for p in shown]
    return Group(table, *lines)


def problem_lines(proofs: Sequence[Proof]) -> list[Text]:
    """A line for each proof that did not pass; proofs that only follow from others are counted."""
    order = {"fail": 0, "warn": 1}
    shown = sorted(
        (p for p in proofs if p.verdict in order and not p.follows), key=lambda p: order[p.verdict]
    )
    return [_line(proof, _consequences(proof, proofs)) for proof in shown]


def _consequences(proof: Proof, proofs: Sequence[Proof]) -> int:
    """The number of proofs that follow from this one, if it is about the node's last failed
    container."""
    causes = [
        p
        for p in proofs
        if p.node == proof.node and p.name == "container-running" and p.verdict == "fail"
    ]
    if not causes or causes[-1] is not proof:
        return 0
    return sum(1 for p in proofs if p.node == proof.node and p.follows)


def _cell(proofs: list[Proof]) -> Text:
    brief = next((p.brief for p in proofs if p.brief), "")
    return verdict_cell((proof.verdict for proof in proofs), brief)


def _line(proof: Proof, consequences: int) -> Text:
    mark, style = VERDICTS[proof.verdict]
    text = Text.assemble((f"{mark} ", style), (f"{proof.node}: " if proof.node else "", "bold"))
    text.append(proof.message, style if proof.verdict != "pass" else "")
    if consequences:
        text.append(f", and {consequences} consequence{'s' if consequences > 1 else ''}", "dim")
    if proof.hint:
        text.append(f" ({proof.hint})", "dim")
    return text


def print_error(console: Console, error: HadeployError) -> None:
    """Print the node, the operation, the message, the detail and the hint of an error.

    Nodes with the same error are grouped.
    """
    if isinstance(error, NodesError):
        groups: dict[tuple[str | None, ...], list[HadeployError]] = {}
        for part in error.errors:
            key = (part.operation, part.message, part.detail, part.hint)
            groups.setdefault(key, []).append(part)
        for group in groups.values():
            _print_one(console, group[0], [part.node for part in group if part.node])
    else:
        _print_one(console, error, [error.node] if error.node else [])


def _print_one(console: Console, error: HadeployError, nodes: list[str]) -> None:
    where = ": ".join(part for part in (", ".join(nodes), error.operation) if part)
    head = Text("error: ", "bold red")
    if where:
        head.append(f"{where}: ", "bold")
    head.append(error.message)
    console.print(head, soft_wrap=True)
    for line in (error.detail or "").splitlines()[-20:]:
        console.print(Text(f"  | {line}", "dim"), soft_wrap=True)
    if error.hint:
        console.print(Text.assemble(("  next: ", "cyan"), error.hint), soft_wrap=True)
