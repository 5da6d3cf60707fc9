"""After a handover that failed: the VIP returns from a node that clients do not reach on it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress

from hadeploy.errors import HadeployError
from hadeploy.inventory.model import Cluster
from hadeploy.observe.gather import LOOK_INTERVAL_SECONDS, observe
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
    """Keep the VIP off each node that gets it, until the one that served it has it again.

    Args:
        cluster: the inventory.
        home: the label of that node, which takes part in the election already.
        lock: held on all nodes.
        sessions: to all nodes.
        progress: told what happens.
        seconds: how long an election may take.

    Returns:
        The nodes that are kept off from now on.
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
        for node, look in observed.items():
            held = any(look.holds(vip) for vip in vips)
            if node != home and node not in kept and held:
                progress.node(node, "keeping the VIP off it")
                # One that is out of reach keeps it.
                with suppress(HadeployError):
                    script = keep_off_script(cluster, lock, look.fingerprint)
                    reply = sessions[node].run(script, operation="keeping the VIP off it")
                    if reply.all("kept-off"):
                        kept.append(node)
                        deadline = time.monotonic() + seconds
        time.sleep(LOOK_INTERVAL_SECONDS)
    return tuple(kept)


def keep_off_script(cluster: Cluster, lock: Lock, fingerprint: str) -> str:
    """Keeps the VIP off a node until the next run. Pure."""
    return lock.changing(cluster, fingerprint, ["track.sh"], ["keep_off"])
