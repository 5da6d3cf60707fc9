"""Before a handover: checks that clients on this machine reach the node that would get the VIP.

A firewall may allow the nodes to reach each other and block clients. The VIP cannot be tested
before it moves, so the nodes' own addresses are asked: a port that answers on the holder, and not
on the other node, would be lost with the handover. A listener of that node may also be full.
"""

from __future__ import annotations

from hadeploy.answers.answer import PROOF_HERE
from hadeploy.answers.ask import answer_of
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.election import TakeoverProblem
from hadeploy.verify.capacity import full_problem
from hadeploy.verify.from_here import elsewhere

# A single packet may be lost.
MAX_TRIES = 2


def client_access_problem(cluster: Cluster, holder: str, node: str) -> TakeoverProblem | None:
    """Why the VIP must not move to a node; None if no problem is known.

    Args:
        cluster: the inventory.
        holder: the label of the holder, or its address if it is not in the inventory.
        node: the node that would get the VIP, likewise.
    """
    if elsewhere(cluster):
        return None
    addresses = {one.label: str(one.address) for one in cluster.nodes}
    there, here = addresses.get(holder, holder), addresses.get(node, node)
    for listener in cluster.listeners:
        answer = answer_of(there, listener.port)
        if not answer.reached or answer.closed:
            continue
        for _ in range(MAX_TRIES):
            other = answer_of(here, listener.port)
            if other.reached:
                break
        else:
            return TakeoverProblem(
                f"{node} would take over the VIP: its port {listener.port}, asked from this "
                f"machine, {other.now}, and {holder} {answer.now}",
                "does a firewall on that node block clients? if this machine need not be served: "
                f"--skip {PROOF_HERE}",
            )
    return None


def room_problem(
    cluster: Cluster, holder: ObservedNode, look: ObservedNode
) -> TakeoverProblem | None:
    """Why the VIP must not move to a node with a full listener; None if it may. Pure.

    Where the listener of the holder is full, too, clients lose nothing.

    Args:
        cluster: the inventory.
        holder: the node that has the VIP.
        look: the node that would get it.
    """
    for listener in cluster.listeners:
        full = full_problem(look, listener.name, listener.port)
        if full and not full_problem(holder, listener.name, listener.port):
            return TakeoverProblem(
                f"{look.node} would take over the VIP: {full}",
                f"close connections to {look.node}, or restart its haproxy: `docker restart "
                f"{cluster.container_names[0]}` there; connections from a time when it had the VIP "
                "end after `timeouts.client`",
            )
    return None
