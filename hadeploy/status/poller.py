"""Observe the nodes repeatedly: one exec for each node and observation, over open connections.

A node that becomes unreachable does not delay the others. It is reported as unreachable, and
hadeploy connects to it again when it is back.
"""

from __future__ import annotations

import concurrent.futures
import socket
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING

from hadeploy.errors import ExitCode, HadeployError
from hadeploy.inventory.cluster import Node
from hadeploy.observe.gather import observe_node
from hadeploy.remote.connect import Dialer
from hadeploy.remote.fanout import MAX_THREADS
from hadeploy.remote.session import Session

if TYPE_CHECKING:
    from hadeploy.observe.observed_node import ObservedNode

# Between two attempts to connect. Each pause is twice as long as the last.
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 30.0


@dataclass
class _Watched:
    """One node.

    Attributes:
        work: the running observation.
        since: the start of that observation, on the monotonic clock.
        connecting: whether that observation has to connect first.
        error: why the last observation failed.
        pause: seconds until the next attempt to connect.
        not_before: the time of that attempt, on the monotonic clock.
    """

    node: Node
    session: Session | None
    work: Future[ObservedNode] | None = None
    since: float = 0.0
    connecting: bool = False
    error: HadeployError | None = None
    pause: float = FIRST_PAUSE_SECONDS
    not_before: float = 0.0


class NodePoller:
    """Observes all nodes of a cluster with each call of `observe`.

    Args:
        dialer: connects to nodes that have no connection.
        sessions: open connections by node label; the poller closes them at the end.
        unreachable: why the other nodes have no connection, by label.
        script: from `observation_script`.
        timeout: seconds for the slowest node to answer; None: the timeout of a silent script.
    """

    def __init__(
        self,
        dialer: Dialer,
        sessions: Mapping[str, Session],
        unreachable: Mapping[str, HadeployError],
        script: str,
        timeout: float | None,
    ) -> None:
        self._dialer, self._script = dialer, script
        self._timeout = timeout
        again = time.monotonic() + FIRST_PAUSE_SECONDS
        self._watched = [
            _Watched(
                node,
                sessions.get(node.label),
                error=unreachable.get(node.label),
                not_before=again if node.label in unreachable else 0.0,
            )
            for node in dialer.cluster.nodes
        ]
        for session in sessions.values():
            _set_tcp_timeout(session, timeout)
        self._pool = ThreadPoolExecutor(max_workers=min(len(self._watched), MAX_THREADS))

    def __enter__(self) -> NodePoller:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # Without wait: closing the connections ends the threads that still use them.
        self._pool.shutdown(wait=False, cancel_futures=True)
        for watched in self._watched:
            if watched.session is not None:
                watched.session.close()

    @property
    def sessions(self) -> dict[str, Session]:
        """The open connections, by node label."""
        return {w.node.label: w.session for w in self._watched if w.session and not w.connecting}

    def observe(
        self, meanwhile: Callable[[], object] = lambda: None
    ) -> tuple[dict[str, ObservedNode], dict[str, HadeployError]]:
        """Observe every node once, except nodes whose last observation still runs.

        Args:
            meanwhile: called by this thread while the nodes work.

        Returns:
            The observed nodes, and the errors of the others, by label.
        """
        started = time.monotonic()
        fresh = []
        for watched in self._watched:
            if watched.work is None and started >= watched.not_before:
                watched.connecting = watched.session is None
                watched.work = self._pool.submit(self._work, watched)
                watched.since = started
                if not watched.connecting:
                    fresh.append(watched.work)
        meanwhile()
        # A node that connects, or did not answer last time, does not delay the others.
        concurrent.futures.wait(fresh, timeout=self._timeout)
        states = {watched.node.label: self._collect(watched) for watched in self._watched}
        return (
            {label: state for label, state in states.items() if state is not None},
            {w.node.label: w.error for w in self._watched if w.error is not None},
        )

    def _work(self, watched: _Watched) -> ObservedNode:
        if watched.session is None:
            watched.session = self._dialer.connect(watched.node)
            _set_tcp_timeout(watched.session, self._timeout)
            watched.connecting, watched.since = False, time.monotonic()
        return observe_node(watched.session, self._script)

    def _collect(self, watched: _Watched) -> ObservedNode | None:
        if watched.work is None:
            return None
        if not watched.work.done():
            if not watched.connecting:
                watched.error = _overdue(watched)
            return None
        work, watched.work = watched.work, None
        try:
            state = work.result()
        except HadeployError as error:
            self._failed(watched, error)
            return None
        watched.error, watched.pause = None, FIRST_PAUSE_SECONDS
        return state

    def _failed(self, watched: _Watched, error: HadeployError) -> None:
        watched.error = error
        if watched.session is not None and watched.session.connection.is_connected:
            return
        if watched.session is not None:
            watched.session.close()
            watched.session = None
        refused = error.stage in ("ssh-login", "ssh-host-key", "sudo")
        pause = LONGEST_PAUSE_SECONDS if refused else watched.pause
        watched.not_before = time.monotonic() + pause
        watched.pause = min(2 * watched.pause, LONGEST_PAUSE_SECONDS)


def _set_tcp_timeout(session: Session, seconds: float | None) -> None:
    """Close the connection if the node acknowledges nothing for that time.

    This needs TCP_USER_TIMEOUT (tcp(7)). If the kernel lacks it, and behind a jump host, the
    timeout of a silent script applies.
    """
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    transport = session.connection.transport.sock
    if seconds is not None and option is not None and isinstance(transport, socket.socket):
        transport.setsockopt(socket.IPPROTO_TCP, option, round(1000 * seconds))


def _overdue(watched: _Watched) -> HadeployError:
    return HadeployError(
        f"no answer for {time.monotonic() - watched.since:.0f} s",
        node=watched.node.label,
        operation="observing",
        hint="check that the node is up and that its Docker engine answers",
        code=ExitCode.UNREACHABLE,
    )
