"""Looking at nodes: one script out, one document back."""

from __future__ import annotations

from collections.abc import Mapping

from hadeploy.desired import layout
from hadeploy.inventory.model import Cluster
from hadeploy.observe.model import ObservedNode
from hadeploy.observe.parse import parse_observation
from hadeploy.shell.compose import compose
from hadeploy.transport.fanout import each
from hadeploy.transport.session import Session


def observation_script(cluster: Cluster, *, previous: bool = False) -> str:
    """The read-only script, the same for every node of the cluster.

    Args:
        cluster: the inventory.
        previous: whether to read the files of the previous configuration, too.
    """
    return compose(
        "keepalived.sh",
        "lock.sh",
        "foreign.sh",
        "observe.sh",
        variables={
            "HD_ROOT": cluster.root,
            "HD_CLUSTER": cluster.name,
            "HD_CONTAINERS": " ".join(cluster.container_names),
            "HD_HAPROXY": cluster.container_names[0],
            "HD_IN_HAPROXY": layout.IN_HAPROXY,
            "HD_IN_KEEPALIVED": layout.IN_KEEPALIVED,
            "HD_KEEPALIVED": cluster.container_names[1],
            "HD_IMAGES": f"{cluster.images.haproxy.reference} "
            f"{cluster.images.keepalived.reference}",
            "HD_PORTS": " ".join(str(listener.port) for listener in cluster.listeners),
            "HD_HEALTH_PORT": str(cluster.haproxy.health_port),
            "HD_PREVIOUS": "yes" if previous else "",
            "HD_VIPS": " ".join(str(vip.ip) for vip in cluster.vip),
        },
    )


def observe(
    cluster: Cluster, sessions: Mapping[str, Session], *, previous: bool = False
) -> dict[str, ObservedNode]:
    """Observe every connected node, in parallel; one exec each.

    Args:
        cluster: the inventory.
        sessions: by node label.
        previous: whether to read the files of the previous configuration, too.

    Raises:
        NodesError: with every node that could not be observed.
    """
    script = observation_script(cluster, previous=previous)
    found = each(
        lambda session: parse_observation(session.node, session.run(script, doing="observing")),
        sessions.values(),
    )
    return {node.node: node for node in found}
