"""A change of one node. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from hadeploy.adopt.recognise import ByHand
from hadeploy.desired.desired_node import DesiredNode
from hadeploy.inventory.cluster import Cluster
from hadeploy.plan.backends import ExpectedBackend
from hadeploy.rollout.lock import Lock


@dataclass(frozen=True)
class Change:
    """The inputs for the scripts of a node.

    Attributes:
        cluster: the inventory.
        desired: the node's desired state; its files are staged already.
        lock: already held on the node, and renewed with each step.
        record: the new record for the node.
        configuration: the id of the configuration.
        vips: the old and the new VIPs.
        election: seconds within which the only node becomes master, with the old or the new
            settings.
        by_hand: what was set up by hand there and is taken over.
        backends: the backends that must be up after a change of haproxy.
        takeover: the backends that must be up before a step by which the node takes the VIP.
        compare_answers: whether clients must get the same answers as before the change.
    """

    cluster: Cluster
    desired: DesiredNode
    lock: Lock
    record: str
    configuration: str
    vips: tuple[str, ...]
    election: int
    by_hand: ByHand | None = None
    backends: tuple[ExpectedBackend, ...] = ()
    takeover: tuple[ExpectedBackend, ...] = ()
    compare_answers: bool = True
