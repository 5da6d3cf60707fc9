"""Where `vrrp.preempt` is on, the VIP returns to the better node: handed over, not torn away."""

from __future__ import annotations

import time
from collections.abc import Mapping

from hadeploy.desired.desired_node import DesiredNode
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.gather import LOOK_INTERVAL_SECONDS, observe
from hadeploy.plan.election import unfit_winner
from hadeploy.progress import Progress
from hadeploy.remote.session import Session
from hadeploy.rollout.lock import Lock
from hadeploy.rollout.scripts import handing_over_script

# Longer than any election at whole-second adverts (RFC 3768, 6.1), without vrrp.preempt_delay.
FAILBACK_SECONDS = 15


def fail_back(
    cluster: Cluster,
    desired: Mapping[str, DesiredNode],
    home: str,
    lock: Lock,
    sessions: Mapping[str, Session],
    progress: Progress,
) -> None:
    """Have the present holder hand the VIP over to the node that would take it anyway.

    The better node takes the VIP without a handover once `vrrp.preempt_delay` has passed, which
    cuts the open connections. Until then keepalived accepts the adverts of the present holder
    (keepalived.conf(5), preempt_delay), and takes over at once when that one gives the VIP up.

    Args:
        cluster: the inventory.
        desired: by node label, for the priorities.
        home: the node that just came back.
        lock: held on all nodes.
        sessions: to all nodes.
        progress: told what happens.
    """
    vips = [str(vip.ip) for vip in cluster.vip]
    deadline = time.monotonic() + FAILBACK_SECONDS + cluster.vrrp.preempt_delay
    handed = False
    while time.monotonic() < deadline:
        observed = observe(cluster, sessions)
        if all(observed[home].holds(vip) for vip in vips):
            return
        for node, look in observed.items():
            other = desired.get(node)
            better = other is not None and desired[home].priority > other.priority
            fit = better and not unfit_winner(cluster, observed, home, node)
            if fit and not handed and all(look.holds(vip) for vip in vips):
                progress.node(node, "handing the VIP back")
                script = handing_over_script(cluster, lock, look.fingerprint)
                sessions[node].run(script, operation="handing back")
                handed = True
        time.sleep(LOOK_INTERVAL_SECONDS)
