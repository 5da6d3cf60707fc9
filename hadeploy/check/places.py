"""Checks that container names and ports are free or belong to this cluster. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hadeploy.adopt.conflicts import running_conflicts, stopped_conflicts
from hadeploy.adopt.recognise import ByHand, recognise
from hadeploy.check.entry import Check
from hadeploy.check.finding import CheckContext, Finding
from hadeploy.desired.desired_node import ROLES
from hadeploy.inventory.cluster import Node
from hadeploy.observe.haproxy_sockets import haproxy_sockets
from hadeploy.observe.observed_node import ObservedContainer, ObservedNode, Owner, Socket
from hadeploy.observe.published import ENGINE
from hadeploy.observe.subnets import interface_of

CONTAINER_NAMES = Check(
    "container-names",
    "container names",
    "no other container has the name of a container of this cluster",
    "rename it, or choose other names under `containers:`",
)


@CONTAINER_NAMES.of_node
def container_names(context: CheckContext, node: Node, state: ObservedNode) -> Iterator[Finding]:
    """Whether foreign containers have names of this cluster."""
    by_hand = recognise(context.cluster, state)
    interface = interface_of(node, state) or ""
    stopped = stopped_conflicts(context.cluster, interface, state) if context.adopt else []
    # `up --adopt` renames the containers that it disables.
    renamed = {conflict.container.id for conflict in stopped if conflict.blocks}
    foreign = False
    for name in context.cluster.container_names:
        container = state.container(name)
        if container is None or (by_hand is not None and by_hand.has(container.id)):
            continue
        if container.id in renamed:
            continue
        if container.cluster != context.cluster.name:
            foreign = True
            what = f"a foreign container has the name {name} (image {container.image})"
            fix = "rename it, or choose other names under `containers:`"
            yield Finding(CONTAINER_NAMES.id, node.label, "fail", what, fix)
    if not foreign and state.docker is not None:
        yield Finding(CONTAINER_NAMES.id, node.label, "pass", "free, or in use by this cluster")


UNKNOWN_OWNER = "an unknown process"
PORTS = Check(
    "ports",
    "ports free",
    "the ports of the listeners, of the health check and of the metrics are free, or in use by "
    "this cluster's haproxy; otherwise the message names the owner, or the container that "
    "publishes the port. Other ports that a template adds to haproxy.cfg are also free, and on "
    "an address that the node has",
    "stop the owner, or choose another port",
)


@PORTS.of_node
def ports(context: CheckContext, node: Node, state: ObservedNode) -> Iterator[Finding]:
    """Whether the ports are free, or in use by this cluster."""
    if "ss" in state.missing:
        return
    by_hand = recognise(context.cluster, state)
    reported = _reported(context, node, state, by_hand)
    taken = False
    for port in context.cluster.haproxy_ports:
        for socket in haproxy_sockets(context.cluster, state, port):
            owner = _stranger(context, state, socket, by_hand, reported)
            if owner is None:
                continue
            taken = True
            what = f"port {port} is taken by {owner or UNKNOWN_OWNER}"
            fix = "stop it, or choose another port (for example, k0s uses 9443)"
            yield Finding(PORTS.id, node.label, "fail", what, fix)
    if not taken:
        yield Finding(PORTS.id, node.label, "pass", "free, or in use by this cluster")


def stranger(context: CheckContext, node: Node, state: ObservedNode, socket: Socket) -> str | None:
    """The foreign owner of a socket, "" if unknown; None if haproxy can use its port."""
    by_hand = recognise(context.cluster, state)
    reported = _reported(context, node, state, by_hand)
    return _stranger(context, state, socket, by_hand, reported)


def _reported(
    context: CheckContext, node: Node, state: ObservedNode, by_hand: ByHand | None
) -> list[ObservedContainer]:
    """The containers that another check reports."""
    interface = interface_of(node, state) or ""
    conflicts = running_conflicts(context.cluster, interface, state, by_hand)
    return [conflict.container for conflict in conflicts]


def _stranger(
    context: CheckContext,
    state: ObservedNode,
    socket: Socket,
    by_hand: ByHand | None,
    reported: list[ObservedContainer],
) -> str | None:
    haproxy = state.ours_of(context.cluster.name, "haproxy")
    if socket.belongs_to(haproxy) or (by_hand is not None and by_hand.owns(socket)):
        return None
    if any(socket.belongs_to(container) for container in reported):
        return None
    return ", ".join(_named(state, owner, socket.port) for owner in socket.owners)


def _named(state: ObservedNode, owner: Owner, port: int) -> str:
    publishers = state.publishers.get(port, ())
    if publishers and not owner.container and owner.name in ENGINE:
        several = "s" if len(publishers) > 1 else ""
        named = ", ".join(publishers)
        return f"{owner.name} (pid {owner.pid}) for the container{several} {named}"
    if not owner.container:
        return f"{owner.name} (pid {owner.pid})"
    for other in state.other_clusters:
        for container in other.containers:
            if container.id == owner.container:
                named = f"the container {container.name} of the hadeploy cluster {other.name}"
                return f"{owner.name} (pid {owner.pid}, in {named})"
    known = next((c.name for c in state.containers if c.id == owner.container), "")
    known = known or next(
        (f.container.name for f in state.foreign if f.container.id == owner.container), ""
    )
    where = f"in the container {known}" if known else "in a container"
    return f"{owner.name} (pid {owner.pid}, {where})"


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


HOST_SERVICES = Check(
    "host-services",
    "no haproxy on host",
    "no haproxy or keepalived runs on the host, outside a container, or starts when it boots",
    "`systemctl disable --now haproxy keepalived`, unless it serves something else",
)


@HOST_SERVICES.of_node
def host_services(context: CheckContext, node: Node, state: ObservedNode) -> Iterator[Finding]:
    """Whether haproxy or keepalived runs on the host, outside a container."""
    del context
    found = [
        name
        for name, processes in (
            ("haproxy", state.host.haproxies),
            ("keepalived", state.keepaliveds),
        )
        if state.host.units.get(name) in ("active", "activating", "reloading")
        or "" in processes.values()
    ]
    if found:
        what = f"{' and '.join(found)} {'run' if len(found) > 1 else 'runs'} on the host"
        fix = f"unless it serves something else: systemctl disable --now {' '.join(found)}"
        yield Finding(HOST_SERVICES.id, node.label, "warn", what, fix)
    later = [
        name
        for name in ROLES
        if name not in found and state.host.units.get(f"{name}.boot", "").startswith("enabled")
    ]
    if later:
        what = f"{' and '.join(later)} would start on the host when the node boots"
        fix = f"if it is not needed: systemctl disable {' '.join(later)}"
        yield Finding(HOST_SERVICES.id, node.label, "warn", what, fix)
    if not found and not later:
        yield Finding(HOST_SERVICES.id, node.label, "pass", "none runs")
