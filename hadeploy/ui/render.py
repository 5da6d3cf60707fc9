"""Plans, proofs and errors as people read them."""

from __future__ import annotations

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from hadeploy.errors import HadeployError, NodesError
from hadeploy.plan.model import Impact, Plan
from hadeploy.verify.model import Proof

VERDICTS = {"pass": ("✓", "green"), "warn": ("!", "yellow"), "fail": ("✗", "red")}
DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}
IMPACTS = {
    Impact.NONE: "dim",
    Impact.RELOAD: "cyan",
    Impact.HANDOVER: "yellow",
    Impact.RESTART: "yellow",
    Impact.OUTAGE: "red",
}


def diffs_picture(plan: Plan) -> RenderableType:
    """Every step that changes something that is there, line by line; equal ones once."""
    seen: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for node in plan.nodes:
        for step in node.steps:
            if step.diff:
                seen.setdefault((step.subject, step.diff), []).append(node.node)
    lines = []
    for (subject, diff), nodes in seen.items():
        lines.append(
            Text.assemble(("\n", ""), (f"{subject} ", "bold"), (f"on {', '.join(nodes)}", "dim"))
        )
        lines += [Text(line, DIFF_STYLES.get(line[:1], "")) for line in diff]
    return Group(*lines)


def plan_picture(plan: Plan) -> RenderableType:
    """The steps, node by node in the order in which they are done."""
    drained = [node.node for node in plan.nodes if node.drained]
    notes = (
        [Text(f"{', '.join(drained)}: drained, the VIP is kept away", "yellow")] if drained else []
    )
    if not plan.changes:
        return Group(Text("No changes. The nodes are as the inventory says.", "green"), *notes)
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("node", "step", "what", "why", "impact"):
        table.add_column(column, overflow="fold")
    for node in plan.nodes:
        label = f"{node.node} (holds the VIP)" if node.holder else node.node
        for step in node.steps:
            table.add_row(
                Text(label, "bold"),
                step.action.replace("-", " "),
                Text(step.subject),
                Text(step.reason, "dim"),
                Text(step.impact.value, IMPACTS[step.impact]),
            )
            label = ""
        if not node.steps:
            table.add_row(Text(label, "bold"), Text("no changes", "dim"), "", "", "")
    changed = sum(1 for node in plan.nodes if node.steps)
    summary = Text(f"{plan.changes} changes on {changed} of {len(plan.nodes)} nodes.")
    return Group(table, summary, *notes)


# The columns of the final table, and the proofs that each of them sums up.
COLUMNS = {
    "containers": ("container-running",),
    "port": ("port-listens",),
    "haproxy": ("haproxy-answers",),
    "VRRP": ("keepalived-agrees", "check-runs"),
    "through the VIP": ("vip-answers-node",),
}


def proofs_picture(proofs: list[Proof]) -> RenderableType:
    """A row for each node, then what is true of the whole, then whatever is wrong."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("node", *COLUMNS):
        table.add_column(column)
    for node in dict.fromkeys(proof.node for proof in proofs if proof.node):
        cells = [
            _cell([p for p in proofs if p.node == node and p.name in names])
            for names in COLUMNS.values()
        ]
        table.add_row(Text(node, "bold"), *cells)
    lines = [_line(p) for p in proofs if p.node is None or p.verdict != "pass"]
    return Group(table, *lines)


def _cell(proofs: list[Proof]) -> Text:
    if not proofs:
        return Text("-", "dim")
    order = ["pass", "warn", "fail"]
    worst = max(proofs, key=lambda proof: order.index(proof.verdict))
    mark, style = VERDICTS[worst.verdict]
    brief = next((p.brief for p in proofs if p.brief), "")
    return Text.assemble((mark, style), f" {brief}" if brief else "")


def _line(proof: Proof) -> Text:
    mark, style = VERDICTS[proof.verdict]
    text = Text.assemble((f"{mark} ", style), (f"{proof.node}: " if proof.node else "", "bold"))
    text.append(proof.message, style if proof.verdict != "pass" else "")
    if proof.hint:
        text.append(f" ({proof.hint})", "dim")
    return text


def print_error(console: Console, error: HadeployError) -> None:
    """The node, what was being done, what came back, what to do next; one screen."""
    if isinstance(error, NodesError):
        for one in error.errors:
            print_error(console, one)
        return
    where = ": ".join(part for part in (error.node, error.doing) if part)
    head = Text("error: ", "bold red")
    if where:
        head.append(f"{where}: ", "bold")
    head.append(error.what)
    console.print(head, soft_wrap=True)
    for line in (error.detail or "").splitlines()[-20:]:
        console.print(Text(f"  | {line}", "dim"), soft_wrap=True)
    if error.hint:
        console.print(Text.assemble(("  next: ", "cyan"), error.hint), soft_wrap=True)
