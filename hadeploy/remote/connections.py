"""All nodes connected, for as long as a run lasts."""

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
    """Sessions by node label, opened in parallel and closed at the end.

    Args:
        dialer: how to connect.
        progress: told the phase.
        nodes: which.
        missing: given why by label where a node cannot be reached; then that is an error only if
            too few can.
        least: how many are enough.
        opening: called once, while the nodes are being connected.

    Raises:
        NodesError: with every node that could not be reached; nothing was touched anywhere.
    """
    progress.phase("Connect")
    dialer.routes.prepare(nodes)
    sessions: dict[str, Session] = {}
    try:
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
        for session in sessions.values():
            session.close()


def _open(
    dialer: Dialer,
    progress: Progress,
    nodes: Sequence[Node],
    sessions: dict[str, Session],
    opening: Callable[[], object],
) -> list[HadeployError]:
    """Open all that can be opened; a passphrase that some login needs is asked for once.

    Returns:
        Why the others could not be.
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
            # Here, in the main thread, where Ctrl-C leaves the terminal as it was.
            files = dict.fromkeys(file for error in locked for file in error.files)
            if not all(dialer.unlock(file) for file in files):
                return [*failed, *locked]
        again = {error.node for error in locked}
        todo = [node for node in todo if node.label in again]


def _try_password(sessions: dict[str, Session]) -> None:
    """Let one node say whether the sudo password is right: a wrong one on all may lock a user out.

    Raises:
        NodesError: it is not.
    """
    asked = [session for session in sessions.values() if session.sudo and session.password]
    if asked:
        try:
            asked[0].become_root()
        except HadeployError as error:
            raise NodesError([error]) from error
