"""The second observation of the nodes, after a failed proof."""

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

# The observation lasts as long as a master takes for this many adverts, within these limits.
ADVERTS = 3
MIN_SECONDS = 3
MAX_SECONDS = 30
LOG_LINES = 60


def evidence_script(cluster: Cluster, *, seconds: int) -> str:
    """The script of the second observation, the same for every node.

    Args:
        seconds: time between the two readings of keepalived's statistics.
    """
    return compose(
        "diagnostics.sh",
        variables={
            "HD_CLUSTER": cluster.name,
            "HD_HAPROXY": cluster.container_names[0],
            "HD_KEEPALIVED": cluster.container_names[1],
            "HD_SECONDS": str(seconds),
            "HD_LINES": str(LOG_LINES),
        },
    )


def collect_diagnostics(
    cluster: Cluster, sessions: Mapping[str, Session]
) -> dict[str, Diagnostics]:
    """Observe all nodes in parallel, and leave out those that fail.

    Args:
        sessions: by node label.
    """
    wanted = math.ceil(ADVERTS * cluster.vrrp.advert_interval)
    seconds = min(max(MIN_SECONDS, wanted), MAX_SECONDS)
    script = evidence_script(cluster, seconds=seconds)

    def collect(session: Session) -> tuple[str, Diagnostics]:
        operation = "collecting diagnostics"
        reply = session.run(script, operation=operation)
        with parsing(session.node, operation):
            return session.node, parse_evidence(reply)

    found, _ = try_each(collect, sessions.values())
    return dict(found)
