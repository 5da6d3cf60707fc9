"""Looking at the nodes again and again: one exec a node a time, over connections that are kept.

A node that goes away holds up no other: it is told as that, and connected to again when it is back.
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
from hadeploy.observe.gather import look_at
from hadeploy.remote.connect import Dialer
from hadeploy.remote.fanout import MOST_AT_ONCE
from hadeploy.remote.session import Session

if TYPE_CHECKING:
    from hadeploy.observe.observed_node import ObservedNode

# Between two attempts to connect, each about twice the last.
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 30.0


@dataclass
class _Watched:
    """One node.

    Attributes:
        work: the look that is under way.
        since: when that began, on the monotonic clock.
        connecting: whether it still has to connect.
        error: why it could not be looked at last time.
        pause: seconds until it is connected to again.
        not_before: when that is, on the monotonic clock.
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
    """Looks at all nodes of a cluster, as often as it is asked to.

    Args:
        dialer: how to connect to nodes that are not, or no longer, connected.
        sessions: to those that are, by label; closed at the end.
        unreachable: why the others are not, by label.
        script: from `observation_script`.
        patience: seconds for the slowest node to answer; None: as long as a script may be silent.
    """

    def __init__(
        self,
        dialer: Dialer,
        sessions: Mapping[str, Session],
        unreachable: Mapping[str, HadeployError],
        script: str,
        patience: float | None,
    ) -> None:
        self._dialer, self._script = dialer, script
        self._patience = patience
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
            _lose_after(patience, session)
        self._pool = ThreadPoolExecutor(max_workers=min(len(self._watched), MOST_AT_ONCE))

    def __enter__(self) -> NodePoller:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # Not waited for: closing the connections ends what still waits for them.
        self._pool.shutdown(wait=False, cancel_futures=True)
        for watched in self._watched:
            if watched.session is not None:
                watched.session.close()

    @property
    def sessions(self) -> dict[str, Session]:
        """Those that are open, by node label."""
        return {w.node.label: w.session for w in self._watched if w.session and not w.connecting}

    def look(
        self, meanwhile: Callable[[], object] = lambda: None
    ) -> tuple[dict[str, ObservedNode], dict[str, HadeployError]]:
        """Look at every node once, but for those whose last look is still under way.

        Args:
            meanwhile: what this thread does while the nodes are busy.

        Returns:
            What was observed, and why the others were not, by label.
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
        # Whoever connects, or did not answer last time, holds up nobody.
        concurrent.futures.wait(fresh, timeout=self._patience)
        looks = {watched.node.label: self._collect(watched) for watched in self._watched}
        return (
            {label: look for label, look in looks.items() if look is not None},
            {w.node.label: w.error for w in self._watched if w.error is not None},
        )

    def _work(self, watched: _Watched) -> ObservedNode:
        if watched.session is None:
            watched.session = self._dialer.connect(watched.node)
            _lose_after(self._patience, watched.session)
            watched.connecting, watched.since = False, time.monotonic()
        return look_at(watched.session, self._script)

    def _collect(self, watched: _Watched) -> ObservedNode | None:
        if watched.work is None:
            return None
        if not watched.work.done():
            if not watched.connecting:
                watched.error = _overdue(watched)
            return None
        work, watched.work = watched.work, None
        try:
            look = work.result()
        except HadeployError as error:
            self._failed(watched, error)
            return None
        watched.error, watched.pause = None, FIRST_PAUSE_SECONDS
        return look

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


def _lose_after(seconds: float | None, session: Session) -> None:
    """Take the connection for lost once the node has acknowledged nothing for so long.

    Where this machine's kernel can (tcp(7), TCP_USER_TIMEOUT), and not behind a jump host;
    elsewhere it takes as long as a script may stay silent.
    """
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    way = session.connection.transport.sock
    if seconds is not None and option is not None and isinstance(way, socket.socket):
        way.setsockopt(socket.IPPROTO_TCP, option, round(1000 * seconds))


def _overdue(watched: _Watched) -> HadeployError:
    return HadeployError(
        f"no answer for {time.monotonic() - watched.since:.0f} s",
        node=watched.node.label,
        operation="observing",
        hint="is it up, and does its Docker engine answer?",
        code=ExitCode.UNREACHABLE,
    )
