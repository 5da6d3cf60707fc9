"""After a failed proof: a second look at the nodes."""

from __future__ import annotations

import math
from collections.abc import Mapping

from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.parse_vrrp import parse_evidence
from hadeploy.observe.parsing import parsing
from hadeploy.observe.vrrp import Diagnostics
from hadeploy.remote.fanout import try_each
from hadeploy.remote.session import Session
from hadeploy.scripts.compose import compose

# In which a master sends so many adverts; so many seconds at least, and at most.
ADVERTS, SECONDS, MOST_SECONDS = 3, 3, 30
LINES = 60


def evidence_script(cluster: Cluster, *, seconds: int) -> str:
    """The second look, the same for every node.

    Args:
        seconds: how long keepalived is listened to.
    """
    return compose(
        "diagnostics.sh",
        variables={
            "HD_CLUSTER": cluster.name,
            "HD_HAPROXY": cluster.container_names[0],
            "HD_KEEPALIVED": cluster.container_names[1],
            "HD_SECONDS": str(seconds),
            "HD_LINES": str(LINES),
        },
    )


def collect_diagnostics(
    cluster: Cluster, sessions: Mapping[str, Session]
) -> dict[str, Diagnostics]:
    """The second look at all nodes at once; one that fails by now is left out.

    Args:
        sessions: by node label.
    """
    wanted = math.ceil(ADVERTS * cluster.vrrp.advert_interval)
    seconds = min(max(SECONDS, wanted), MOST_SECONDS)
    script = evidence_script(cluster, seconds=seconds)

    def look(session: Session) -> tuple[str, Diagnostics]:
        operation = "looking for the cause"
        reply = session.run(script, operation=operation)
        with parsing(session.node, operation):
            return session.node, parse_evidence(reply)

    found, _ = try_each(look, sessions.values())
    return dict(found)
