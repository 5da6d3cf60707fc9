"""With `vrrp.preempt`, hands the VIP back to the preferred node after its turn."""

from __future__ import annotations

import time
from collections.abc import Mapping

from hadeploy.inventory.cluster import Cluster
from hadeploy.inventory.priorities import priorities
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
    preferred: str,
    lock: Lock,
    sessions: Mapping[str, Session],
    progress: Progress,
) -> None:
    """Make the holder hand the VIP over to a node that preempts it.

    That node takes the VIP without a handover once `vrrp.preempt_delay` has passed, which
    cuts the open connections. Until then keepalived accepts the adverts of the holder
    (keepalived.conf(5), preempt_delay), and takes over at once when the holder gives the VIP up.

    Args:
        cluster: the inventory.
        preferred: the label of that node. If the holder has a higher priority, nothing is done.
        lock: held on all nodes.
        sessions: to all nodes.
        progress: receives the handover.

    Raises:
        HadeployError: a node is unreachable.
    """
    vips = [str(vip.ip) for vip in cluster.vip]
    rank = priorities(cluster)
    deadline = time.monotonic() + FAILBACK_SECONDS + cluster.vrrp.preempt_delay
    handed = False
    while time.monotonic() < deadline:
        observed = observe(cluster, sessions)
        holder = next((n for n, o in observed.items() if all(o.holds(vip) for vip in vips)), None)
        if holder in rank:
            if rank[holder] >= rank[preferred]:
                return
            if not handed and not unfit_winner(cluster, observed, preferred, holder):
                progress.node(holder, "handing the VIP back")
                script = handing_over_script(cluster, lock, observed[holder].fingerprint)
                sessions[holder].run(script, operation="handing back")
                handed = True
        time.sleep(LOOK_INTERVAL_SECONDS)
