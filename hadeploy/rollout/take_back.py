"""After a failed handover: moves the VIP back from a node that does not answer clients."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress

from hadeploy.errors import HadeployError
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.gather import LOOK_INTERVAL_SECONDS, observe
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.takeover_candidates import could_hold
from hadeploy.progress import Progress
from hadeploy.remote.session import Session
from hadeploy.rollout.lock import Lock


def take_back(
    cluster: Cluster,
    home: str,
    lock: Lock,
    sessions: Mapping[str, Session],
    progress: Progress,
    seconds: float,
) -> tuple[str, ...]:
    """Keep the VIP off each node that gets it, until the former holder has it again.

    While the former holder takes no part in the election, the VIP stays where it is: a node that
    does not answer all clients is better than none.

    Args:
        cluster: the inventory.
        home: the label of the former holder.
        lock: held on all nodes.
        sessions: to all nodes.
        progress: receives the operations.
        seconds: the time limit of an election.

    Returns:
        The nodes that are kept off the VIP.
    """
    vips = [str(vip.ip) for vip in cluster.vip]
    kept: list[str] = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            observed = observe(cluster, sessions)
        except HadeployError:
            break
        if all(observed[home].holds(vip) for vip in vips):
            break
        for node, state in observed.items() if may_return(cluster, observed[home]) else ():
            got_it = node not in (home, *kept) and any(state.holds(vip) for vip in vips)
            # An unreachable node keeps the VIP.
            if got_it and keep_off(cluster, state, lock, sessions[node], progress):
                kept.append(node)
                deadline = time.monotonic() + seconds
        time.sleep(LOOK_INTERVAL_SECONDS)
    return tuple(kept)


def may_return(cluster: Cluster, state: ObservedNode) -> bool:
    """Whether a node may get the VIP in an election. Pure.

    The state of a keepalived that was set up by hand is unknown; it is enough that it runs.

    Args:
        cluster: the inventory.
        state: the node.
    """
    if state.ours_of(cluster.name, "keepalived"):
        return could_hold(cluster, state)
    return bool(state.keepaliveds)


def keep_off(
    cluster: Cluster, state: ObservedNode, lock: Lock, session: Session, progress: Progress
) -> bool:
    """Keep the VIP off a node until the next run.

    Args:
        cluster: the inventory.
        state: the observed node.
        lock: held on the node.
        session: to the node.
        progress: receives the operation.

    Returns:
        Whether it succeeded; False if the node is unreachable or the lock is lost.
    """
    operation = "keeping the VIP off it"
    progress.node(session.node, operation)
    with suppress(HadeployError):
        script = keep_off_script(cluster, lock, state.fingerprint)
        return bool(session.run(script, operation=operation).all("kept-off"))
    return False


def keep_off_script(cluster: Cluster, lock: Lock, fingerprint: str) -> str:
    """Keeps the VIP off a node until the next run. Pure."""
    return lock.changing(cluster, fingerprint, ["track.sh"], ["keep_off"])
