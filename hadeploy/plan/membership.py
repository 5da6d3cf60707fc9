"""Whether a node is one of this cluster, or of another one with the same name. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.observed_node import Applied, ObservedNode
from hadeploy.plan.vrrp_settings import own_addresses, present_addresses, running_identity


def vips_of(record: Applied) -> set[str]:
    """The VIPs of a record, without prefixes."""
    return {vip.partition("/")[0] for vip in record.vips}


def cluster_vips(cluster: Cluster, observed: Mapping[str, ObservedNode]) -> set[str]:
    """The VIPs of the inventory, and those that all its nodes have had applied.

    Args:
        cluster: the inventory.
        observed: its nodes, by label.
    """
    applied = [vips_of(look.applied) for look in observed.values() if look.applied]
    return {str(vip.ip) for vip in cluster.vip} | (set.intersection(*applied) if applied else set())


def of_another_cluster(
    cluster: Cluster, observed: Mapping[str, ObservedNode], node: str
) -> Applied | None:
    """The record of a node that belongs to another cluster; None if it may be one of this.

    Such a record shares no VIP with the inventory, and names others, but no other node of it.

    Args:
        cluster: the inventory.
        observed: its nodes, by label.
        node: the label of one.
    """
    look = observed[node]
    if look.applied is None or vips_of(look.applied) & {str(vip.ip) for vip in cluster.vip}:
        return None
    rest = tuple(one for one in cluster.nodes if one.label != node)
    ours = present_addresses(cluster.model_copy(update={"nodes": rest}), observed)
    named = set(look.applied.members) - own_addresses(look)
    return look.applied if named and not named & ours else None


def may_be_removed(
    cluster: Cluster, observed: Mapping[str, ObservedNode], address: str, look: ObservedNode
) -> bool:
    """Whether a node that others name as a former one says so itself.

    Its own record has to name a node of the inventory, and to share a VIP; all nodes that stay may
    stand for that, where the VIP has changed since. Where it has lost its record, what runs there
    must not be another cluster's.

    Args:
        cluster: the inventory.
        observed: the nodes that stay, by label.
        address: of the one that others name.
        look: at it.
    """
    vips = cluster_vips(cluster, observed)
    if look.applied is None:
        speaks = running_identity(look)
        return speaks is None or bool(vips.intersection(speaks.vips))
    if not set(look.applied.members) & present_addresses(cluster, observed):
        return False
    records = [one.applied for one in observed.values() if one.applied]
    known = all(address in (*record.members, *record.forgotten) for record in records)
    return bool(vips & vips_of(look.applied)) or (len(records) > 1 and known)
