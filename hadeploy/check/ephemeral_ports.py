"""Ports of this cluster that the kernel uses for outgoing connections. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hadeploy.check.entry import Check
from hadeploy.check.finding import CheckContext, Finding
from hadeploy.inventory.cluster import Node
from hadeploy.observe.observed_node import ObservedNode

# The format of the kernel: 8080 or 9000-9010.
_RANGE = re.compile(r"\b([0-9]{1,5})(?:-([0-9]{1,5}))?\b")
EPHEMERAL_PORTS = Check(
    "ephemeral-ports",
    "ports not ephemeral",
    "the kernel uses no port of this cluster for outgoing connections: the ports are outside "
    "`net.ipv4.ip_local_port_range` (which also applies to IPv6), or reserved; otherwise a "
    "warning. While an outgoing connection uses such a port, haproxy cannot bind it",
    "set `net.ipv4.ip_local_reserved_ports` as shown, also in /etc/sysctl.d; or narrow the range",
    thorough=True,
    again_after=frozenset({"traffic"}),
)


@EPHEMERAL_PORTS.of_node
def ephemeral_ports(context: CheckContext, node: Node, state: ObservedNode) -> Iterator[Finding]:
    """Whether the kernel uses a port of the cluster for outgoing connections."""
    facts = state.host.facts
    bounds = _RANGE.findall(facts.get("net/ipv4/ip_local_port_range", "").replace(" ", "-"))
    if not bounds:
        return
    kept = [*_RANGE.findall(facts.get("net/ipv4/ip_local_reserved_ports", ""))]
    ports = sorted(
        port
        for port in context.cluster.haproxy_ports
        if _within(port, bounds) and not _within(port, kept)
    )
    if not ports:
        what = "outgoing connections use no port of this cluster"
        yield Finding(EPHEMERAL_PORTS.id, node.label, "pass", what)
        return
    named = f"port{'s' if len(ports) > 1 else ''} {', '.join(map(str, ports))}"
    what = f"outgoing connections may use {named}; their range is {' to '.join(bounds[0])}"
    # The new value must include the ports that are already reserved.
    every = ",".join([*("-".join(filter(None, one)) for one in kept), *map(str, ports)])
    fix = f"sysctl net.ipv4.ip_local_reserved_ports={every}, and the same in /etc/sysctl.d"
    yield Finding(EPHEMERAL_PORTS.id, node.label, "warn", what, fix)


def _within(port: int, ranges: list[tuple[str, str]]) -> bool:
    return any(int(first) <= port <= int(last or first) for first, last in ranges)
