"""Whether listeners have room for more connections. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hadeploy.inventory.model import Cluster
from hadeploy.observe.model import ObservedNode
from hadeploy.plan.backends import SUFFIX
from hadeploy.verify.model import Proof

PROOF = "listener-has-room"
NEAR = 0.8
RAISE = (
    "raise `maxconn` of the listener, or `haproxy.maxconn`; connections that clients leave open "
    "end after `timeouts.client`"
)
SLOW = "are the backends slow? a server of `templates` with `maxconn` takes no more than that"


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
            waiting = look.queued.get(f"{listener.name}{SUFFIX}", 0)
            if now >= most:
                queued = _kernel_queue(look, listener.port)
                yield Proof(
                    PROOF,
                    "fail",
                    f"{name} is full: {now} of {most} connections{queued}",
                    node,
                    RAISE,
                )
            elif now >= NEAR * most:
                yield Proof(
                    PROOF,
                    "warn",
                    f"{name} is nearly full: {now} of {most} connections",
                    node,
                    RAISE,
                )
            elif waiting:
                yield Proof(
                    PROOF, "warn", f"{name}: {waiting} connections wait for a backend", node, SLOW
                )
            else:
                yield Proof(PROOF, "pass", f"{name} has {now} of {most} connections", node)


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
