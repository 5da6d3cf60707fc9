"""Whether a node belongs to this cluster, or to another one with the same name. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.applied import Applied
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.vrrp_settings import own_addresses, present_addresses, running_settings


def vips_of(record: Applied) -> set[str]:
    """The VIPs of a record, without prefixes."""
    return {vip.partition("/")[0] for vip in record.vips}


def cluster_vips(cluster: Cluster, observed: Mapping[str, ObservedNode]) -> set[str]:
    """The VIPs of the inventory, and those in the records of all its nodes.

    Args:
        observed: its nodes, by label.
    """
    applied = [vips_of(state.applied) for state in observed.values() if state.applied]
    return {str(vip.ip) for vip in cluster.vip} | (set.intersection(*applied) if applied else set())


def of_another_cluster(
    cluster: Cluster, observed: Mapping[str, ObservedNode], node: str
) -> Applied | None:
    """The record of a node that belongs to another cluster; None if it may belong to this one.

    Such a record contains no VIP and no other node of the inventory, but other nodes.

    Args:
        observed: its nodes, by label.
        node: the label of one.
    """
    state = observed[node]
    if state.applied is None or vips_of(state.applied) & {str(vip.ip) for vip in cluster.vip}:
        return None
    rest = tuple(other for other in cluster.nodes if other.label != node)
    ours = present_addresses(cluster.model_copy(update={"nodes": rest}), observed)
    members = set(state.applied.members) - own_addresses(state)
    return state.applied if members and not members & ours else None


def may_be_removed(
    cluster: Cluster, observed: Mapping[str, ObservedNode], address: str, state: ObservedNode
) -> bool:
    """Whether a node is really a former node of this cluster.

    Its record must contain a node and a VIP of the inventory. If the VIP has changed since, the
    records of all remaining nodes must contain its address. Without a record, the node must not run
    another cluster.

    Args:
        observed: the remaining nodes, by label.
        address: of the former node.
        state: the former node.
    """
    vips = cluster_vips(cluster, observed)
    if state.applied is None:
        running = running_settings(state)
        return running is None or bool(vips.intersection(running.vips))
    if not set(state.applied.members) & present_addresses(cluster, observed):
        return False
    records = [other.applied for other in observed.values() if other.applied]
    known = all(address in (*record.members, *record.forgotten) for record in records)
    return bool(vips & vips_of(state.applied)) or (len(records) > 1 and known)
