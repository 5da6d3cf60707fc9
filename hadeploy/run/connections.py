"""All nodes connected, for as long as a run lasts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hadeploy.errors import NodesError
from hadeploy.inventory.model import Cluster
from hadeploy.run.progress import Progress
from hadeploy.transport.connect import connect, ssh_config_of
from hadeploy.transport.fanout import try_each
from hadeploy.transport.session import Session


@contextmanager
def connected(
    cluster: Cluster, progress: Progress, *, accept_new: bool = False
) -> Iterator[dict[str, Session]]:
    """Sessions by node label, opened in parallel and closed at the end.

    Raises:
        NodesError: with every node that could not be reached; nothing was touched anywhere.
    """
    config = ssh_config_of(cluster)
    progress.phase("Connect")
    sessions, errors = try_each(
        lambda node: connect(cluster, node, config.clone(), accept_new=accept_new), cluster.nodes
    )
    try:
        if errors:
            raise NodesError(errors)
        yield {session.node: session for session in sessions}
    finally:
        for session in sessions:
            session.close()
