"""All nodes connected, for as long as a run lasts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from hadeploy.errors import NodesError
from hadeploy.inventory.model import Node
from hadeploy.run.progress import Progress
from hadeploy.transport.connect import Dialer
from hadeploy.transport.fanout import try_each
from hadeploy.transport.session import Session


@contextmanager
def connected(
    dialer: Dialer, progress: Progress, nodes: Sequence[Node]
) -> Iterator[dict[str, Session]]:
    """Sessions by node label, opened in parallel and closed at the end.

    Args:
        dialer: how to connect.
        progress: told the phase.
        nodes: which.

    Raises:
        NodesError: with every node that could not be reached; nothing was touched anywhere.
    """
    progress.phase("Connect")
    # Read once, before the threads that all use it.
    _ = dialer.config
    sessions, errors = try_each(dialer.connect, nodes)
    try:
        if errors:
            raise NodesError(errors)
        yield {session.node: session for session in sessions}
    finally:
        for session in sessions:
            session.close()
