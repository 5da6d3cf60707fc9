"""Before the VIP leaves its holder: is there somebody to take it?"""

from __future__ import annotations

import time
from collections.abc import Mapping

from hadeploy.desired.model import DesiredNode
from hadeploy.errors import HadeployError
from hadeploy.inventory.model import Cluster
from hadeploy.observe.gather import observe
from hadeploy.plan.successor import successors, takeover_problem
from hadeploy.transport.session import Session

SUCCESSOR_SECONDS = 15
POLL_SECONDS = 0.3
NOT_UPDATED = "no node that could take the VIP over has the new configuration"


def find_successor(
    cluster: Cluster,
    desired: Mapping[str, DesiredNode] | None,
    leaving: str,
    sessions: Mapping[str, Session],
) -> str:
    """A node that can take the VIP over, on the new configuration.

    Args:
        cluster: the inventory.
        desired: by node label; None if any configuration will do.
        leaving: the holder.
        sessions: to all nodes.

    Returns:
        Its label.

    Raises:
        HadeployError: there is none; the holder is not touched.
    """
    deadline = time.monotonic() + SUCCESSOR_SECONDS
    while True:
        observed = observe(cluster, sessions)
        problem = takeover_problem(cluster, observed, leaving)
        for node in successors(cluster, observed, leaving) if problem is None else ():
            if not desired or observed[node].serving == desired[node].config_id("haproxy"):
                return node
        if time.monotonic() >= deadline:
            break
        time.sleep(POLL_SECONDS)
    raise HadeployError(
        f"{problem or NOT_UPDATED}, so the holder is not touched",
        node=leaving,
        doing="handing over",
        hint="`hadeploy verify` tells what is wrong with the others; are they drained?",
    )
