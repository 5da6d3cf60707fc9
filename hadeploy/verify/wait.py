"""Proving with a deadline: look again until everything holds, and say what is waited for."""

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

# How long to look at what waiting does not mend: an address that was just removed may be seen once
# more.
LASTING_SECONDS = 5.0


def wait_for_proofs(
    cluster: Cluster,
    desired: Mapping[str, DesiredNode],
    look: Callable[[], Mapping[str, ObservedNode]],
    progress: Progress,
    *,
    timeout: float,
    answered: Callable[[Mapping[str, ObservedNode]], list[Proof]] = lambda _: [],
    here: bool = True,
) -> tuple[list[Proof], Mapping[str, ObservedNode]]:
    """Look and prove until nothing fails, until the deadline, or until waiting makes no sense.

    Args:
        cluster: the inventory.
        desired: by node label.
        look: observes the nodes.
        progress: told what is waited for.
        timeout: seconds.
        answered: the proofs for which the backends' certificates are read.
        here: whether this machine asks, too.

    Returns:
        The proofs of the last look, the ones from this machine at the end; and what it saw.
    """
    begun = time.monotonic()
    deadline = begun + timeout
    mendable = begun
    while True:
        observed = look()
        proofs = [*prove(cluster, desired, observed), *answered(observed)]
        wrong = failed(proofs)
        now = time.monotonic()
        if not any(proof.lasting for proof in wrong):
            mendable = now
        if not wrong or now >= min(deadline, mendable + LASTING_SECONDS):
            return [*proofs, *(from_here(cluster, observed) if here else [])], observed
        first = wrong[0]
        where = f"{first.node}: " if first.node else ""
        progress.waiting(f"{where}{first.message}")
        time.sleep(LOOK_INTERVAL_SECONDS)
