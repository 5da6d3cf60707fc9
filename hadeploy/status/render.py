"""The status of a cluster on one screen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hadeploy.desired import layout
from hadeploy.desired.roles import Role
from hadeploy.status.cluster_status import (
    BackendStatus,
    ClusterStatus,
    Configuration,
    ContainerStatus,
    Health,
    NodeStatus,
)
from hadeploy.ui.render import problem_lines
from hadeploy.verify.proof import Proof

VERDICTS: dict[Health, str] = {
    "healthy": "bold green",
    "degraded": "bold yellow",
    "down": "bold red",
    "unknown": "bold red",
}
CONFIGURATIONS: dict[Configuration, tuple[str, str]] = {
    "in-sync": ("in sync", "green"),
    "pending": ("pending", "yellow"),
    "drifted": ("drifted", "red"),
    "absent": ("absent", "dim"),
}
STATES = {"MASTER": "green", "BACKUP": "", "FAULT": "red"}
DRAINS = {layout.OPERATOR_DRAIN: "drained", layout.RUN_DRAIN: "handing over"}
NOTHING = Text("-", "dim")
# More lines do not fit on the screen with the table; `hadeploy verify` and --json show all.
MAX_PROBLEMS = 12
UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def render_status(cluster: str, status: ClusterStatus, proofs: Sequence[Proof]) -> RenderableType:
    """The verdict, a row for each node, the problems and the details; readable in 80 columns.

    Args:
        cluster: its name.
        status: of all nodes.
        proofs: of the verdict.
    """
    reached = [node for node in status.nodes if node.error is None]
    problems = problem_lines(proofs)
    if more := len(problems[MAX_PROBLEMS:]):
        problems = [*problems[:MAX_PROBLEMS], Text(f"and {more} more (--json)", "dim")]
    return Group(
        _head(cluster, status), _nodes(status), *problems, _listeners(reached), _facts(reached)
    )


def _head(cluster: str, status: ClusterStatus) -> Text:
    head = Text.assemble((cluster, "bold"), " is ", (status.verdict, VERDICTS[status.verdict]))
    for vip in status.vips:
        style = "" if len(vip.holders) == 1 else "red"
        where = f"on {' and '.join(vip.holders)}" if vip.holders else "on no node"
        if not (vip.applied or vip.holders):
            where, style = "not applied yet (`hadeploy up`)", "yellow"
        head.append(f"; {vip.address} ").append(where, style)
    if status.changing:
        by, purpose = status.changing.by, status.changing.purpose
        head.append(f"; {by} is changing it (`{purpose}`)", "cyan")
    return head


def _nodes(status: ClusterStatus) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("node", "VRRP", "haproxy", "keepalived"):
        table.add_column(column)
    table.add_column("sessions", justify="right")
    table.add_column("config")
    for node in status.nodes:
        label = Text(node.node, "bold")
        if node.error is not None:
            table.add_row(label, Text("unreachable", "red"), *[NOTHING] * 4)
            continue
        known = [i.sessions for i in node.listeners if i.sessions is not None]
        table.add_row(
            label,
            _vrrp(node),
            _container(node.container("haproxy")),
            _container(node.container("keepalived")),
            Text(str(sum(known))) if known else NOTHING,
            Text(*CONFIGURATIONS[node.configuration]) if node.configuration else NOTHING,
        )
    return table


def _vrrp(node: NodeStatus) -> Text:
    if node.vrrp is None:
        text = Text("silent", "red")
    else:
        state = node.vrrp.state
        style = "yellow" if state == "FAULT" and node.drained else STATES.get(state, "yellow")
        text = Text(f"{state} {node.vrrp.effective_priority}", style)
    if node.vips:
        text.append(", VIP", "bold")
    for drain in node.drained:
        text.append(f", {DRAINS.get(drain, drain)}", "yellow")
    return text


def _container(container: ContainerStatus | None) -> Text:
    if container is None:
        return NOTHING
    if container.up_seconds is None:
        return Text(container.state, "red")
    text = Text(f"up {since(container.up_seconds)}")
    if container.restarts:
        text.append(f", {container.restarts} restarts", "yellow")
    return text


def since(seconds: int) -> str:
    """A duration in its largest unit."""
    size, unit = next(((size, unit) for size, unit in UNITS if seconds >= size), UNITS[-1])
    return f"{seconds // size} {unit}"


def _listeners(nodes: Sequence[NodeStatus]) -> RenderableType:
    """Each listener, with the backends that are up on all nodes, and the others in detail."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim")
    grid.add_column()
    ports = {i.name: i.port for node in nodes for i in node.listeners}
    for name, port in ports.items():
        servers: dict[tuple[str, str], list[tuple[str, BackendStatus]]] = {}
        for node in nodes:
            for backend in node.backends:
                if backend.listener == name:
                    servers.setdefault((backend.name, backend.address), []).append(
                        (node.node, backend)
                    )
        up = [key for key, views in servers.items() if all(view.up for _, view in views)]
        text = Text(f"{len(up)} of {len(servers)} backends are up", "" if servers else "dim")
        if up:
            text.append(f": {', '.join(label for label, _ in up)}", "dim")
        for server, views in servers.items():
            if server not in up:
                text.append("\n").append(f"{' '.join(server)} ", "yellow").append(_views(views))
        grid.add_row(f"{name} :{port}", text)
    return grid


def _views(views: Iterable[tuple[str, BackendStatus]]) -> str:
    """The state of one server on each node; nodes with the same state are grouped."""
    groups: dict[str, list[str]] = {}
    for node, backend in views:
        text = f"is {backend.status}" + (f" ({backend.check})" if backend.check else "")
        groups.setdefault("is UP" if backend.up else text, []).append(node)
    if len(groups) == 1:
        return next(iter(groups))
    return "; ".join(f"{text} for {', '.join(nodes)}" for text, nodes in groups.items())


def _facts(nodes: Sequence[NodeStatus]) -> RenderableType:
    """Versions and the last change; nodes with the same values are grouped."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim")
    grid.add_column()
    facts: dict[str, Callable[[NodeStatus], str]] = {
        "haproxy": lambda node: _program(node, "haproxy"),
        "keepalived": lambda node: _program(node, "keepalived"),
        "docker": lambda node: node.docker or "",
        "applied": lambda node: _applied(node, nodes),
    }
    for name, of in facts.items():
        for text in _grouped(nodes, of):
            grid.add_row(name, text)
    return grid


def _grouped(nodes: Sequence[NodeStatus], of: Callable[[NodeStatus], str]) -> Iterator[Text]:
    groups: dict[str, list[str]] = {}
    for node in nodes:
        if text := of(node):
            groups.setdefault(text, []).append(node.node)
    for text, where in groups.items():
        yield Text(text) if len(where) == len(nodes) else Text(f"{', '.join(where)}: {text}")


def _program(node: NodeStatus, role: Role) -> str:
    container = node.container(role)
    if container is None or container.image is None:
        return ""
    version = container.version
    return f"{container.image} ({version})" if version else container.image


def _applied(node: NodeStatus, nodes: Sequence[NodeStatus]) -> str:
    """The last change; all nodes of one run show the time of the last node."""
    record = node.applied
    if record is None:
        return "nothing"
    run = (record.by, record.version, record.configuration)
    records = [other.applied for other in nodes if other.applied]
    at = max(r.at for r in records if (r.by, r.version, r.configuration) == run)
    return f"{at} by {record.by}, hadeploy {record.version}"
