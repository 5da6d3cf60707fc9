"""Whether listeners have room for more connections. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.observed_node import BackendServer, ObservedNode
from hadeploy.plan.backends import SUFFIX
from hadeploy.verify.proof import Proof

PROOF = "listener-has-room"
NEAR = 0.8
RAISE = (
    "raise `maxconn` of the listener, or `haproxy.maxconn`; connections that clients leave open "
    "end after `timeouts.client`"
)
SLOW = "are the backends slow? a server of `templates` with `maxconn` takes no more than that"
MORE = (
    "raise `maxconn` of the servers in `templates` as far as the API servers allow, or add "
    "API servers; connections that clients leave open end after `timeouts.client`"
)
MOST_NAMED = 6


def capacity_proofs(cluster: Cluster, observed: Mapping[str, ObservedNode]) -> Iterator[Proof]:
    """One proof for each listener on each node whose haproxy tells.

    haproxy accepts no connection of a frontend that has as many as it may (`scur`, `slim`;
    management guide, 9.1). The kernel accepts them for it, up to the length of the queue, which
    `ss` prints for a listening socket as Recv-Q of Send-Q (ss(8)): a handshake proves nothing then.

    Args:
        cluster: the inventory.
        observed: by node label.
    """
    for node, look in observed.items():
        for listener in cluster.listeners:
            now, most = look.sessions.get(listener.name), look.session_limits.get(listener.name)
            if now is None or not most:
                continue
            name = f"listener {listener.name}"
            waiting = waiting_for(look, listener.name)
            servers = _named(full_servers(look, listener.name))
            if problem := full_problem(look, listener.name, listener.port):
                yield Proof(PROOF, "fail", problem, node, full_hint([look], listener.name))
            elif now >= NEAR * most:
                yield Proof(
                    PROOF,
                    "warn",
                    f"{name} is nearly full: {now} of {most} connections",
                    node,
                    RAISE,
                )
            elif waiting:
                seen = f"{name}: {_wait(waiting)} for a backend"
                yield Proof(PROOF, "warn", f"{seen}{servers and f'; full: {servers}'}", node, SLOW)
            elif servers:
                yield Proof(PROOF, "warn", f"{name}: backends are full: {servers}", node, MORE)
            else:
                yield Proof(PROOF, "pass", f"{name} has {now} of {most} connections", node)


def full_problem(look: ObservedNode, listener: str, port: int) -> str | None:
    """Why a node's haproxy serves no further client of a listener now; None if it does.

    Args:
        look: the node.
        listener: its name.
        port: that it listens on.
    """
    name, behind = f"listener {listener}", ""
    if no_server_has_room(look, listener):
        servers = _named(full_servers(look, listener))
        behind = f"all backends are full, and {_wait(waiting_for(look, listener))}: {servers}"
    if is_full(look, listener):
        now, most = look.sessions.get(listener), look.session_limits.get(listener)
        queued = _kernel_queue(look, port)
        full = f"{name} is full: {now} of {most} connections{queued}"
        return f"{full}; {behind}" if behind else full
    return f"{name}: {behind}" if behind else None


def full_hint(looks: Iterable[ObservedNode], listener: str) -> str | None:
    """What to do where no further client of a listener is served; None if clients are served.

    A listener whose backends are all full fills up itself: the backends come first.

    Args:
        looks: the nodes.
        listener: its name.
    """
    looks = list(looks)
    if any(no_server_has_room(look, listener) for look in looks):
        return MORE
    return RAISE if any(is_full(look, listener) for look in looks) else None


def full_servers(look: ObservedNode, listener: str) -> list[BackendServer]:
    """The servers behind a listener that have as many connections as their `maxconn`."""
    return [server for server in _serving(look, listener) if server.full]


def no_server_has_room(look: ObservedNode, listener: str) -> bool:
    """Whether connections wait because every server that is up is full."""
    servers = _serving(look, listener)
    full = bool(servers) and all(server.full for server in servers)
    return full and waiting_for(look, listener) > 0


def waiting_for(look: ObservedNode, listener: str) -> int:
    """How many connections wait for a listener's servers (`qcur` of the backend and of each)."""
    section = f"{listener}{SUFFIX}"
    alone = sum(server.queued for server in look.backends if server.listener == section)
    return look.queued.get(section, 0) + alone


def _serving(look: ObservedNode, listener: str) -> list[BackendServer]:
    return [s for s in look.backends if s.listener == f"{listener}{SUFFIX}" and s.up]


def _named(servers: list[BackendServer]) -> str:
    named = [f"{s.name} ({s.sessions} of {s.limit})" for s in servers[:MOST_NAMED]]
    more = len(servers) - MOST_NAMED
    return ", ".join([*named, *([f"{more} more"] if more > 0 else [])])


def _wait(count: int) -> str:
    return "1 connection waits" if count == 1 else f"{count} connections wait"


def is_full(look: ObservedNode, listener: str) -> bool:
    """Whether a node's haproxy accepts no more connections for a listener.

    Args:
        look: the node.
        listener: its name.
    """
    most = look.session_limits.get(listener)
    return bool(most) and look.sessions.get(listener, 0) >= (most or 0)


def _kernel_queue(look: ObservedNode, port: int) -> str:
    sockets = [socket for socket in look.listeners(port) if socket.waiting]
    if not sockets:
        return ""
    waiting = sum(socket.waiting for socket in sockets)
    full = all(socket.waiting >= socket.backlog for socket in sockets)
    return f", and {waiting} more wait" + (" in the kernel's queue, which is full" if full else "")
