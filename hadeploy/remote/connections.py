"""Connections to all nodes, for the duration of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hadeploy.errors import HadeployError, NodesError
from hadeploy.inventory.cluster import Node
from hadeploy.progress import Progress
from hadeploy.remote.connect_errors import LockedKeyError
from hadeploy.remote.fanout import try_each

if TYPE_CHECKING:
    from hadeploy.remote.connect import Dialer
    from hadeploy.remote.session import Session


@contextmanager
def connected(
    dialer: Dialer,
    progress: Progress,
    nodes: Sequence[Node],
    *,
    missing: dict[str, HadeployError] | None = None,
    least: int = 1,
    opening: Callable[[], object] = lambda: None,
) -> Iterator[dict[str, Session]]:
    """The sessions by node label, which are opened in parallel and closed at the end.

    Args:
        dialer: how to connect.
        progress: told the phase.
        nodes: the nodes to connect.
        missing: receives the errors of unreachable nodes, by label; these are then raised only if
            fewer than `least` nodes are reachable.
        least: the required number of reachable nodes.
        opening: called once, while the connections are being opened.

    Raises:
        NodesError: with all unreachable nodes; nothing was changed.
    """
    progress.phase("Connect")
    sessions: dict[str, Session] = {}
    try:
        dialer.routes.prepare(nodes)
        errors = _open(dialer, progress, nodes, sessions, opening)
        if errors and (missing is None or len(sessions) < least):
            raise NodesError(errors)
        _try_password(sessions)
        if missing is not None:
            missing |= {error.node or "": error for error in errors}
        if errors:
            progress.failed()
        yield {node.label: sessions[node.label] for node in nodes if node.label in sessions}
    finally:
        dialer.routes.early.close()
        for session in sessions.values():
            session.close()


def _open(
    dialer: Dialer,
    progress: Progress,
    nodes: Sequence[Node],
    sessions: dict[str, Session],
    opening: Callable[[], object],
) -> list[HadeployError]:
    """Open as many connections as possible; ask once for each passphrase.

    Returns:
        The errors of the other nodes.
    """
    failed: list[HadeployError] = []
    todo = list(nodes)
    while True:
        opened, errors = try_each(dialer.connect, todo, opening)
        opening = lambda: None  # noqa: E731
        sessions |= {session.node: session for session in opened}
        locked = [error for error in errors if isinstance(error, LockedKeyError)]
        failed += [error for error in errors if error not in locked]
        if not locked:
            return failed
        with progress.aside():
            # In the main thread, where Ctrl-C restores the terminal.
            files = dict.fromkeys(file for error in locked for file in error.files)
            if not all(dialer.unlock(file) for file in files):
                return [*failed, *locked]
        again = {error.node for error in locked}
        todo = [node for node in todo if node.label in again]


def _try_password(sessions: dict[str, Session]) -> None:
    """Try the sudo password on one node: a wrong one on all nodes may lock the user out.

    Raises:
        NodesError: the password is wrong.
    """
    asked = [session for session in sessions.values() if session.sudo and session.password]
    if asked:
        try:
            asked[0].become_root()
        except HadeployError as error:
            raise NodesError([error]) from error
