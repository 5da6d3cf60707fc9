"""Before the VIP leaves its holder: is there somebody to take it?"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping

from hadeploy.desired.model import DesiredNode
from hadeploy.inventory.model import Cluster
from hadeploy.observe.gather import observe
from hadeploy.observe.model import ObservedNode
from hadeploy.plan.election import TakeoverProblem, takeover_problem
from hadeploy.plan.successor import successors
from hadeploy.transport.session import Session

SUCCESSOR_SECONDS = 15
POLL_SECONDS = 0.3
NOT_UPDATED = TakeoverProblem(
    "no node that could take the VIP over has the new configuration",
    "`hadeploy verify` tells what is wrong with the others",
)


def find_successor(
    cluster: Cluster,
    desired: Mapping[str, DesiredNode] | None,
    leaving: str,
    sessions: Mapping[str, Session],
    *,
    holder: ObservedNode | None = None,
) -> str:
    """A node that can take the VIP over, on the new configuration.

    Args:
        cluster: the inventory.
        desired: by node label; None if any configuration will do.
        leaving: the holder.
        sessions: to all nodes.
        holder: the holder as it was observed, if there is no session to it.

    Returns:
        Its label.

    Raises:
        HadeployError: there is none; the holder is not touched.
    """
    deadline = time.monotonic() + SUCCESSOR_SECONDS
    while True:
        observed = observe(cluster, sessions)
        if holder is not None:
            observed[leaving] = holder
        problem = takeover_problem(cluster, observed, leaving)
        for node in successors(cluster, observed, leaving) if problem is None else ():
            # A node that this run does not change, since it leaves, may have any.
            wanted = (desired or {}).get(node)
            if wanted is None or observed[node].serving == wanted.config_id("haproxy"):
                return node
        if time.monotonic() >= deadline:
            break
        time.sleep(POLL_SECONDS)
    problem = problem or NOT_UPDATED
    message = f"{problem.message}, so the holder is not touched"
    raise dataclasses.replace(problem, message=message).error("handing over", leaving)
