"""Before the VIP leaves its holder: is there somebody to take it?"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping

from hadeploy.desired.desired_node import DesiredNode
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.gather import LOOK_INTERVAL_SECONDS, observe
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.election import TakeoverProblem, takeover_problem
from hadeploy.plan.takeover_candidates import first_of, takeover_candidates
from hadeploy.remote.session import Session
from hadeploy.rollout.handover_view import kept_out

SUCCESSOR_SECONDS = 15
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
    asks: bool = True,
) -> str:
    """A node that can take the VIP over, on the new configuration.

    Args:
        cluster: the inventory.
        desired: by node label; None if any configuration will do.
        leaving: the holder.
        sessions: to all nodes.
        holder: the holder as it was observed, if there is no session to it.
        asks: whether this machine is to be served, too.

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
        others = takeover_candidates(cluster, observed, leaving)
        # A node that this run does not change, since it leaves, may have any configuration.
        wanted = {node: (desired or {}).get(node) for node in others}
        ready = [
            node
            for node, state in wanted.items()
            if state is None or observed[node].serving == state.config_id("haproxy")
        ]
        if problem is None and ready:
            problem = kept_out(cluster, leaving, first_of(others, observed)) if asks else None
            if problem is None:
                return ready[0]
        if time.monotonic() >= deadline:
            break
        time.sleep(LOOK_INTERVAL_SECONDS)
    problem = problem or NOT_UPDATED
    message = f"{problem.message}, so the holder is not touched"
    raise dataclasses.replace(problem, message=message).error("handing over", leaving)
