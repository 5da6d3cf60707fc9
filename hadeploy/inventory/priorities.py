"""VRRP priorities and the weight of the check: pure arithmetic on the inventory.

A priority is 1 to 254: 255 is for a router that owns the address as its own, 0 tells the others
that the master is going (RFC 3768 section 5.3.4, RFC 5798 section 5.2.4).
"""

from __future__ import annotations

from hadeploy.inventory.cluster import Cluster

HIGHEST = 254
_STEP = 10
# Fault mode starts high, because the skew shrinks as the priority grows: 0.02 s at 250 in version
# 2 (RFC 3768 section 6.1). Weight mode starts at keepalived's customary 100, to leave room above
# for the weight that a healthy node adds.
_FIRST = {"fault": 250, "weight": 100}


def priorities(cluster: Cluster) -> dict[str, int]:
    """The configured VRRP priority of every node, by label, the highest where the VIP is preferred.

    What a node says holds. The others get values by position: 250, 240, 230, ... in fault mode,
    100, 90, 80, ... in weight mode, closer together when there are many nodes, each moved down past
    values that are taken. Two nodes of one priority could both be master for a moment.

    Args:
        cluster: at most 254 nodes, which the model sees to.

    Returns:
        label -> priority; distinct, unless the inventory itself says one priority twice (which
        `rules` refuses).
    """
    count = len(cluster.nodes)
    first: int = max(_FIRST[cluster.vrrp.on_check_failure], count)
    step: int = min(_STEP, (first - 1) // max(count - 1, 1))
    taken = {node.priority for node in cluster.nodes if node.priority is not None}
    chosen: dict[str, int] = {}
    for position, node in enumerate(cluster.nodes):
        chosen[node.label] = node.priority or _free(first - step * position, taken)
        taken.add(chosen[node.label])
    return chosen


def _free(wanted: int, taken: set[int]) -> int:
    # Downwards keeps the order of the list; upwards is for inventories with no room left below.
    candidates = [*range(wanted, 0, -1), *range(wanted + 1, HIGHEST + 1)]
    free: int = next(value for value in candidates if value not in taken)
    return free


def check_weight(cluster: Cluster) -> int:
    """What a good check adds to a node's priority in weight mode (`weight` of a vrrp_script).

    keepalived.conf(5): a positive weight is added while the script succeeds. The VIP lands on a
    healthy node for every set of failed ones only if the lowest healthy node beats the highest
    failed one: min + weight > max. So the smallest weight that works is max - min + 1.

    Args:
        cluster: the inventory; its own `vrrp.weight` wins.

    Returns:
        The weight; in fault mode, which uses none, the one that would be needed.
    """
    if cluster.vrrp.weight is not None:
        return cluster.vrrp.weight
    values = priorities(cluster).values()
    return max(values) - min(values) + 1
