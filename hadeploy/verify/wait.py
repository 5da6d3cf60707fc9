"""Repeat the proofs until they pass or a deadline expires."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from hadeploy.desired.desired_node import DesiredNode
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.gather import LOOK_INTERVAL_SECONDS
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.progress import Progress
from hadeploy.verify.from_here import from_here
from hadeploy.verify.proof import Proof, failed
from hadeploy.verify.proofs import prove

# How long to repeat failures that waiting does not repair; a removed address may appear once more.
LASTING_SECONDS = 5.0


def wait_for_proofs(
    cluster: Cluster,
    desired: Mapping[str, DesiredNode],
    observe: Callable[[], Mapping[str, ObservedNode]],
    progress: Progress,
    *,
    timeout: float,
    answered: Callable[[Mapping[str, ObservedNode]], list[Proof]] = lambda _: [],
    here: bool = True,
) -> tuple[list[Proof], Mapping[str, ObservedNode]]:
    """Observe and prove until no proof fails, until the deadline, or until waiting is useless.

    Args:
        desired: by node label.
        observe: observes the nodes.
        progress: shows the first failed proof.
        timeout: seconds.
        answered: makes the proofs that need the certificates of the backends.
        here: whether to add the proofs from this machine.

    Returns:
        The proofs of the last observation, those from this machine last; and the observed nodes.
    """
    started = time.monotonic()
    deadline = started + timeout
    repairable = started
    while True:
        observed = observe()
        proofs = [*prove(cluster, desired, observed), *answered(observed)]
        wrong = failed(proofs)
        now = time.monotonic()
        if not any(proof.lasting for proof in wrong):
            repairable = now
        if not wrong or now >= min(deadline, repairable + LASTING_SECONDS):
            return [*proofs, *(from_here(cluster, observed) if here else [])], observed
        first = wrong[0]
        where = f"{first.node}: " if first.node else ""
        progress.waiting(f"{where}{first.message}")
        time.sleep(LOOK_INTERVAL_SECONDS)
