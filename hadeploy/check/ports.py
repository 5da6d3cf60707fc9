"""Other programs on the ports of this cluster. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from hadeploy.adopt.conflicts import running_conflicts
from hadeploy.adopt.recognise import ByHand, recognise
from hadeploy.check.entry import Check
from hadeploy.check.finding import CheckContext, Finding
from hadeploy.inventory.cluster import Node
from hadeploy.observe.container import ObservedContainer
from hadeploy.observe.haproxy_sockets import haproxy_sockets
from hadeploy.observe.observed_node import ObservedNode, Owner, Socket
from hadeploy.observe.published import ENGINE
from hadeploy.observe.subnets import interface_of

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
