"""Whether listeners will have room for the connections that they have now. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.observed_node import ObservedNode


def too_small(
    cluster: Cluster, observed: Mapping[str, ObservedNode], changed: Collection[str]
) -> Iterator[str]:
    """Limits that are lowered below what is in use, in sentences.

    A reload cuts nobody, but of the clients that connect anew afterwards some wait.

    Args:
        cluster: the inventory.
        observed: by node label.
        changed: the labels of the nodes that the plan changes.
    """
    looks = [observed[node] for node in changed]
    for listener in cluster.listeners:
        limit = listener.maxconn or cluster.haproxy.maxconn // len(cluster.listeners)
        used = max((look.sessions.get(listener.name, 0) for look in looks), default=0)
        before = max((look.session_limits.get(listener.name, 0) for look in looks), default=0)
        if used >= limit and before > limit:
            yield (
                f"Listener {listener.name} has {used} connections, and will take {limit} "
                f"instead of {before}: clients beyond that wait."
            )
