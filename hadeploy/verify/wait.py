"""Proving with a deadline: look again until everything holds, and say what is waited for."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping

from hadeploy.check.network import not_to_be_asked
from hadeploy.desired.model import DesiredNode
from hadeploy.inventory.model import Cluster
from hadeploy.observe.model import ObservedNode
from hadeploy.run.progress import Progress
from hadeploy.verify.model import Proof, failed
from hadeploy.verify.proofs import prove

POLL_SECONDS = 0.3
# How long to look at what waiting does not mend: an address that was just removed may be seen once
# more.
LASTING_SECONDS = 5.0
FROM_HERE_SECONDS = 2.0


def wait_for_proofs(
    cluster: Cluster,
    desired: Mapping[str, DesiredNode],
    look: Callable[[], Mapping[str, ObservedNode]],
    progress: Progress,
    *,
    timeout: float,
) -> tuple[list[Proof], Mapping[str, ObservedNode]]:
    """Look and prove until nothing fails, until the deadline, or until waiting makes no sense.

    Args:
        cluster: the inventory.
        desired: by node label.
        look: observes the nodes.
        progress: told what is waited for.
        timeout: seconds.

    Returns:
        The proofs of the last look, the ones from this machine at the end; and what it saw.
    """
    begun = time.monotonic()
    deadline = begun + timeout
    mendable = begun
    while True:
        observed = look()
        proofs = prove(cluster, desired, observed)
        wrong = failed(proofs)
        now = time.monotonic()
        if not any(proof.lasting for proof in wrong):
            mendable = now
        if not wrong or now >= min(deadline, mendable + LASTING_SECONDS):
            return [*proofs, *from_here(cluster, not_to_be_asked(cluster, observed))], observed
        first = wrong[0]
        where = f"{first.node}: " if first.node else ""
        progress.waiting(f"{where}{first.message}")
        time.sleep(POLL_SECONDS)


def from_here(cluster: Cluster, refused: Mapping[str, str]) -> list[Proof]:
    """Whether the VIP answers on this machine; only a warning, since it may have no route there.

    Args:
        cluster: the inventory.
        refused: VIPs that would be somebody else's address, and why; they get no packet from us.
    """
    found = []
    for vip in cluster.vip:
        if str(vip.ip) in refused:
            seen = f"{vip.ip} was not tried from this machine: {refused[str(vip.ip)]}"
            found.append(Proof("vip-answers-here", "warn", seen, hint="correct `vip`"))
            continue
        for listener in cluster.listeners:
            target = f"{vip.ip}:{listener.port}"
            try:
                socket.create_connection((str(vip.ip), listener.port), FROM_HERE_SECONDS).close()
            except OSError as error:
                reason = error.strerror or str(error)
                found.append(
                    Proof(
                        "vip-answers-here",
                        "warn",
                        f"{target} cannot be reached from this machine ({reason})",
                        hint="fine if it has no route to the VIP",
                    )
                )
            else:
                found.append(
                    Proof("vip-answers-here", "pass", f"{target} accepts connections from here")
                )
    return found
