"""`logs`: read the logs of all nodes, and follow them."""

from __future__ import annotations

import functools
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace

from hadeploy.actions.deployment import Deployment
from hadeploy.errors import HadeployError
from hadeploy.inventory.cluster import Cluster, Node
from hadeploy.logs.feed import Feed
from hadeploy.logs.follow import Follower, Notice, follow
from hadeploy.logs.lines import Line
from hadeploy.logs.options import LogOptions
from hadeploy.logs.read import Reading, logs_script, new_feed, read
from hadeploy.plan.partial_rollout import unknown_nodes
from hadeploy.remote.connect import Dialer
from hadeploy.remote.connections import connected
from hadeploy.remote.session import Session


def read_logs(deployment: Deployment, options: LogOptions, nodes: Sequence[str]) -> Reading:
    """Read the logs of nodes; an unreachable node does not hide the others."""
    with _first_reading(deployment, options, nodes) as first:
        return replace(first.reading, errors=[*first.missing.values(), *first.reading.errors])


def follow_logs(
    deployment: Deployment, options: LogOptions, nodes: Sequence[str]
) -> Generator[Line | Notice, None, None]:
    """Read the logs of nodes, and then each new line."""
    with _first_reading(deployment, options, nodes) as first:
        yield from first.reading.lines
        with closing(follow(first.followers(deployment.cluster, options))) as events:
            yield from events


@dataclass(frozen=True)
class _FirstReading:
    """The logs until now; the connections stay open.

    Attributes:
        missing: why nodes could not be reached, by label.
        feeds: how far each node's logs were read, by label.
    """

    nodes: Sequence[Node]
    dialer: Dialer
    sessions: Mapping[str, Session]
    missing: Mapping[str, HadeployError]
    feeds: Mapping[str, Feed]
    reading: Reading

    def followers(self, cluster: Cluster, options: LogOptions) -> list[Follower]:
        """Followers that continue after this reading, one for each node."""
        return [
            Follower(
                feed := self.feeds[node.label],
                functools.partial(logs_script, cluster, feed, options, follow=True),
                functools.partial(self.dialer.connect, node),
                self.sessions.get(node.label),
                self.missing.get(node.label),
            )
            for node in self.nodes
        ]


@contextmanager
def _first_reading(
    deployment: Deployment, options: LogOptions, labels: Sequence[str]
) -> Iterator[_FirstReading]:
    cluster = deployment.cluster
    unknown_nodes(cluster, labels, "--node")
    nodes = [node for node in cluster.nodes if not labels or node.label in labels]
    feeds = {node.label: new_feed(node.label, options) for node in nodes}
    dialer = deployment.dialer()
    missing: dict[str, HadeployError] = {}
    with ExitStack() as stack:
        with deployment.ui.progress(cluster, brief=True) as progress:
            sessions = stack.enter_context(connected(dialer, progress, nodes, missing=missing))
            progress.phase("Read")
            reading = read(cluster, sessions, feeds, options)
        yield _FirstReading(nodes, dialer, sessions, missing, feeds, reading)
