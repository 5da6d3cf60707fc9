"""Plans, proofs and errors as people read them."""

from __future__ import annotations

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from hadeploy.errors import HadeployError, NodesError
from hadeploy.plan.model import Impact, Plan
from hadeploy.verify.model import Proof

VERDICTS = {"pass": ("✓", "green"), "warn": ("!", "yellow"), "fail": ("✗", "red")}
IMPACTS = {
    Impact.NONE: "dim",
    Impact.RELOAD: "cyan",
    Impact.HANDOVER: "yellow",
    Impact.RESTART: "yellow",
    Impact.OUTAGE: "red",
}


def plan_picture(plan: Plan) -> RenderableType:
    """The steps, node by node in the order in which they are done."""
    if not plan.changes:
        return Text("No changes. The nodes are as the inventory says.", style="green")
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
    return Group(table, Text(f"{plan.changes} changes on {changed} of {len(plan.nodes)} nodes."))


def proofs_picture(proofs: list[Proof]) -> RenderableType:
    """One line for each proof: all that passed on a node are put together."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column()
    table.add_column()
    table.add_column(overflow="fold")
    for node in dict.fromkeys(proof.node for proof in proofs):
        mine = [proof for proof in proofs if proof.node == node]
        label = node or "cluster"
        passed = [proof.message for proof in mine if proof.verdict == "pass"]
        if passed:
            table.add_row(Text("✓", "green"), Text(label, "bold"), Text("; ".join(passed)))
        for proof in mine:
            if proof.verdict != "pass":
                mark, style = VERDICTS[proof.verdict]
                text = Text(proof.message, style)
                if proof.hint:
                    text.append(f" ({proof.hint})", "dim")
                table.add_row(Text(mark, style), Text(label, "bold"), text)
    return table


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
