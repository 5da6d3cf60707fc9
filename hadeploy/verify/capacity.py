"""Whether listeners can accept more connections. Pure."""

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
SLOW = "check whether the backends are slow, and `maxconn` of the servers in `templates`"
MORE = (
    "raise `maxconn` of the servers in `templates` as far as the API servers allow, or add "
    "API servers; connections that clients leave open end after `timeouts.client`"
)
MOST_NAMED = 6


def capacity_proofs(cluster: Cluster, observed: Mapping[str, ObservedNode]) -> Iterator[Proof]:
    """One proof for each listener on each node whose haproxy reports its sessions.

    haproxy accepts no connections of a frontend that has reached its limit (`scur`, `slim`;
    management guide, 9.1). The kernel still accepts them up to the length of its queue, which `ss`
    prints as Recv-Q and Send-Q (ss(8)). So a TCP handshake proves nothing then.

    Args:
        observed: by node label.
    """
    for node, state in observed.items():
        for listener in cluster.listeners:
            now, most = state.sessions.get(listener.name), state.session_limits.get(listener.name)
            if now is None or not most:
                continue
            name = f"listener {listener.name}"
            waiting = waiting_for(state, listener.name)
            servers = _named(full_servers(state, listener.name))
            if problem := full_problem(state, listener.name, listener.port):
                yield Proof(PROOF, "fail", problem, node, full_hint([state], listener.name))
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


def full_problem(state: ObservedNode, listener: str, port: int) -> str | None:
    """Why haproxy on a node serves no further clients of a listener; None if it does.

    Args:
        port: of the listener.
    """
    name, behind = f"listener {listener}", ""
    if no_server_has_room(state, listener):
        servers = _named(full_servers(state, listener))
        behind = f"all backends are full, and {_wait(waiting_for(state, listener))}: {servers}"
    if is_full(state, listener):
        now, most = state.sessions.get(listener), state.session_limits.get(listener)
        queued = _kernel_queue(state, port)
        full = f"{name} is full: {now} of {most} connections{queued}"
        return f"{full}; {behind}" if behind else full
    return f"{name}: {behind}" if behind else None


def full_hint(states: Iterable[ObservedNode], listener: str) -> str | None:
    """The advice for a listener that serves no further clients; None if it does.

    If all backends are full, the listener also fills up, so the backends come first.

    Args:
        states: the nodes.
    """
    states = list(states)
    if any(no_server_has_room(state, listener) for state in states):
        return MORE
    return RAISE if any(is_full(state, listener) for state in states) else None


def full_servers(state: ObservedNode, listener: str) -> list[BackendServer]:
    """The servers of a listener that have reached their `maxconn`."""
    return [server for server in _serving(state, listener) if server.full]


def no_server_has_room(state: ObservedNode, listener: str) -> bool:
    """Whether connections wait because every server that is up is full."""
    servers = _serving(state, listener)
    full = bool(servers) and all(server.full for server in servers)
    return full and waiting_for(state, listener) > 0


def waiting_for(state: ObservedNode, listener: str) -> int:
    """The connections that wait for a listener's servers (`qcur` of backend and servers)."""
    section = f"{listener}{SUFFIX}"
    alone = sum(server.queued for server in state.backends if server.listener == section)
    return state.queued.get(section, 0) + alone


def _serving(state: ObservedNode, listener: str) -> list[BackendServer]:
    return [s for s in state.backends if s.listener == f"{listener}{SUFFIX}" and s.up]


def _named(servers: list[BackendServer]) -> str:
    named = [f"{s.name} ({s.sessions} of {s.limit})" for s in servers[:MOST_NAMED]]
    more = len(servers) - MOST_NAMED
    return ", ".join([*named, *([f"{more} more"] if more > 0 else [])])


def _wait(count: int) -> str:
    return "1 connection waits" if count == 1 else f"{count} connections wait"


def is_full(state: ObservedNode, listener: str) -> bool:
    """Whether haproxy on a node accepts no more connections for a listener."""
    most = state.session_limits.get(listener)
    return bool(most) and state.sessions.get(listener, 0) >= (most or 0)


def _kernel_queue(state: ObservedNode, port: int) -> str:
    sockets = [socket for socket in state.listeners(port) if socket.waiting]
    if not sockets:
        return ""
    waiting = sum(socket.waiting for socket in sockets)
    full = all(socket.waiting >= socket.backlog for socket in sockets)
    return f", and {waiting} more wait" + (" in the kernel's queue, which is full" if full else "")
