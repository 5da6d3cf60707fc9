"""`unlock`: release the lock of an interrupted run."""

from __future__ import annotations

from hadeploy.actions.deployment import Deployment
from hadeploy.errors import HadeployError, NodesError
from hadeploy.remote.connections import connected
from hadeploy.rollout.lock import break_lock, holders


def release_lock(deployment: Deployment, *, consent: bool) -> dict[str, str]:
    """Release the lock on every reachable node.

    Raises:
        NodesError: every unreachable node; the others are unlocked.
    """
    cluster, ui = deployment.cluster, deployment.ui
    missing: dict[str, HadeployError] = {}
    with (
        ui.progress(cluster) as progress,
        connected(deployment.dialer(), progress, cluster.nodes, missing=missing) as sessions,
    ):
        held, errors = holders(cluster, sessions)
        errors = [*missing.values(), *errors]
        for node, who in held.items():
            ui.note(f"{node}: locked by {who}")
        if held and not consent:
            ui.confirm(f"Release the lock of cluster {cluster.name}?")
        if held:
            errors += break_lock(cluster, {node: sessions[node] for node in held})
        if errors:
            raise NodesError(errors)
    return held
