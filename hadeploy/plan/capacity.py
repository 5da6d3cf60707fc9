"""Limits of listeners below their current number of connections. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.observed_node import ObservedNode


def too_small(
    cluster: Cluster, observed: Mapping[str, ObservedNode], changed: Collection[str]
) -> Iterator[str]:
    """A warning for each listener whose new limit is below its current connections.

    A reload keeps connections, but new ones would have to wait.

    Args:
        observed: by node label.
        changed: the labels of the nodes that the plan changes.
    """
    states = [observed[node] for node in changed]
    for listener in cluster.listeners:
        limit = listener.maxconn or cluster.haproxy.maxconn // len(cluster.listeners)
        used = max((state.sessions.get(listener.name, 0) for state in states), default=0)
        before = max((state.session_limits.get(listener.name, 0) for state in states), default=0)
        if used >= limit and before > limit:
            yield (
                f"Listener {listener.name} has {used} connections, and its limit changes from "
                f"{before} to {limit}: further clients wait."
            )
