"""VRRP priorities and the weight of the check, computed from the inventory. Pure.

A priority is 1 to 254: 255 is for the owner of the address, and 0 means that the master releases
the VIP (RFC 3768 section 5.3.4, RFC 5798 section 5.2.4).
"""

from __future__ import annotations

from hadeploy.inventory.cluster import Cluster

HIGHEST = 254
_STEP = 10
# Fault mode uses high priorities, because the skew time decreases with the priority: 0.02 s at 250
# in version 2 (RFC 3768 section 6.1). Weight mode uses keepalived's default 100, which leaves room
# for the weight of healthy nodes.
_FIRST = {"fault": 250, "weight": 100}


def priorities(cluster: Cluster) -> dict[str, int]:
    """The VRRP priority of every node, by label; the preferred node has the highest.

    Nodes without a priority in the inventory get one by position: 250, 240, 230, ... in fault mode,
    100, 90, 80, ... in weight mode, in smaller steps for many nodes, and lower if the value is
    taken. Two nodes with the same priority could both become master for a moment.

    Returns:
        Distinct values, unless the inventory contains the same priority twice (`rules` refuses
        that).
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
    # Lower values keep the order of the nodes. Higher ones are used if no lower one is free.
    candidates = [*range(wanted, 0, -1), *range(wanted + 1, HIGHEST + 1)]
    free: int = next(value for value in candidates if value not in taken)
    return free


def check_weight(cluster: Cluster) -> int:
    """The value that a passed check adds to the priority in weight mode (`weight` of vrrp_script).

    keepalived.conf(5): a positive weight is added while the script succeeds. A healthy node always
    gets the VIP only if the lowest healthy node beats the highest failed one: min + weight > max.
    The smallest such weight is max - min + 1.

    Returns:
        `vrrp.weight` of the inventory, or the smallest sufficient weight, also in fault mode.
    """
    if cluster.vrrp.weight is not None:
        return cluster.vrrp.weight
    values = priorities(cluster).values()
    return max(values) - min(values) + 1
