"""Before a handover: finds a node that can take over the VIP."""

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
from hadeploy.rollout.handover_view import client_access_problem, room_problem

SUCCESSOR_SECONDS = 15
NOT_UPDATED = TakeoverProblem(
    "no node that could take over the VIP has the new configuration",
    "`hadeploy verify` shows what is wrong with the others",
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
    """Wait for a node that can take over the VIP, and has the new configuration.

    Args:
        cluster: the inventory.
        desired: by node label; None to accept any configuration.
        leaving: the holder.
        sessions: to all nodes.
        holder: the observed holder, if there is no session to it.
        asks: whether this machine must be served, too.

    Returns:
        The label of the node.

    Raises:
        HadeployError: there is no such node; the holder is not changed.
    """
    deadline = time.monotonic() + SUCCESSOR_SECONDS
    while True:
        observed = observe(cluster, sessions)
        if holder is not None:
            observed[leaving] = holder
        problem = takeover_problem(cluster, observed, leaving)
        others = takeover_candidates(cluster, observed, leaving)
        # A node that leaves the cluster may have any configuration.
        wanted = {node: (desired or {}).get(node) for node in others}
        ready = [
            node
            for node, state in wanted.items()
            if state is None or observed[node].serving == state.config_id("haproxy")
        ]
        if problem is None and ready:
            first = first_of(others, observed)
            if leaving in observed:
                problem = room_problem(cluster, observed[leaving], observed[first])
            if problem is None and asks:
                problem = client_access_problem(cluster, leaving, first)
            if problem is None:
                return ready[0]
        if time.monotonic() >= deadline:
            break
        time.sleep(LOOK_INTERVAL_SECONDS)
    problem = problem or NOT_UPDATED
    message = f"{problem.message}, so the holder is not changed"
    raise dataclasses.replace(problem, message=message).error("handing over", leaving)
