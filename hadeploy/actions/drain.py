"""`drain` and `undrain`: keep the VIP off a node, or allow it again."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from hadeploy.actions.prove import prove
from hadeploy.actions.retry import retry_when_locked
from hadeploy.actions.run import Run
from hadeploy.observe.gather import observe
from hadeploy.plan.partial_rollout import unknown_nodes
from hadeploy.rollout.prepare import Prepared
from hadeploy.status.snapshot import ClusterSnapshot


def change_drain(
    run: Run, node: str, change: Callable[..., bool], timeout: float, lock_wait: float
) -> None:
    """Drain or undrain a node, then run the proofs.

    Args:
        node: the node's label.
        change: `drain` or `undrain` of rollout/drain.py.
        timeout: seconds until all proofs must hold.
        lock_wait: seconds to wait for the lock of another run.
    """
    cluster = run.inputs.cluster
    unknown_nodes(cluster, [node], "")
    prepared = run.prepare(check=False)

    def work() -> bool:
        return change(cluster, node, observe(cluster, run.sessions), run.sessions, run.progress)

    retry_when_locked(work, run.progress, lock_wait)
    prove(run, _in_force(prepared), timeout)


def _in_force(prepared: Prepared) -> Prepared:
    """The applied configuration: maintenance ignores pending changes of the inventory."""
    applied = ClusterSnapshot(
        prepared.cluster, prepared.desired, prepared.observed, prepared.plan, {}
    ).in_force()
    nodes = tuple(node for node in applied.cluster.nodes if node.label in applied.desired)
    return dataclasses.replace(
        prepared,
        cluster=applied.cluster.model_copy(update={"nodes": nodes}),
        desired=dict(applied.desired),
        observed=dict(applied.observed),
    )
