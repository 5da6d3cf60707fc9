"""Before a handover: whether clients on this machine are kept from the node that would get the VIP.

The nodes reach each other where a firewall keeps clients out. The VIP's own address says nothing of
that before it moves, so the nodes' own addresses are asked: what the holder's answers and the
other's does not is lost with the handover.
"""

from __future__ import annotations

from hadeploy.answers.answer import PROOF_HERE
from hadeploy.answers.ask import answer_of
from hadeploy.inventory.cluster import Cluster
from hadeploy.plan.election import TakeoverProblem
from hadeploy.verify.from_here import elsewhere

# A single packet may be lost.
MOST_TRIES = 2


def kept_out(cluster: Cluster, holder: str, node: str) -> TakeoverProblem | None:
    """Why the VIP must not move there; None if nothing is known against it.

    Args:
        cluster: the inventory.
        holder: its label; the address of a node that is not in the inventory.
        node: the one that would get the VIP, likewise.
    """
    if elsewhere(cluster):
        return None
    addresses = {one.label: str(one.address) for one in cluster.nodes}
    there, here = addresses.get(holder, holder), addresses.get(node, node)
    for listener in cluster.listeners:
        answer = answer_of(there, listener.port)
        if not answer.reached or answer.closed:
            continue
        for _ in range(MOST_TRIES):
            other = answer_of(here, listener.port)
            if other.reached:
                break
        else:
            return TakeoverProblem(
                f"{node} would take the VIP over: its port {listener.port}, asked from this "
                f"machine, {other.now}, and {holder} {answer.now}",
                "does a firewall on that node keep clients out? if this machine is not to be "
                f"served: --skip {PROOF_HERE}",
            )
    return None
