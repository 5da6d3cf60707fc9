"""The interface and networks of a node, and whether they suit a VIP. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping

from hadeploy.inventory.cluster import Cluster, IPAddress, IPInterface, Node
from hadeploy.observe.observed_node import ObservedNode

IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


GIVE_BACK = (
    "add an address in that subnet to the interface again, and to the network configuration of the "
    "node (an interface that goes down loses its IPv6 addresses)"
)


def interface_of(node: Node, observed: ObservedNode) -> str | None:
    """The interface for the VIP: from the inventory, or the one with the node's address."""
    return node.interface or observed.interface_of(str(node.address))


def addressless(node: Node, state: ObservedNode) -> Iterator[tuple[str, str]]:
    """The problems that prevent even the computation of the desired state: message and fix."""
    if state.interface_of(str(node.address)) is None:
        has = ", ".join(
            f"{a.address} ({a.interface})" for a in state.addresses if a.interface != "lo"
        )
        yield (
            f"does not have the address {node.address}; it has {has}",
            "set nodes[].address to an address of the node, and ssh.host to its address for SSH",
        )
    if node.interface and node.interface not in {a.interface for a in state.addresses}:
        yield f"has no interface {node.interface} with an address", "correct nodes[].interface"


def misplaced(vip: IPAddress, cluster: Cluster, node: Node, state: ObservedNode) -> str:
    """Why an address cannot be a VIP on that node; "" if it can."""
    name = interface_of(node, state)
    networks = [n for n in networks_of(cluster, node, state) if n.version == vip.version]
    within = [network for network in networks if vip in network]
    if not within:
        known = ", ".join(str(n) for n in networks) or f"no IPv{vip.version} subnet"
        more = " any more" if lost_subnet(vip, cluster, node, state) else ""
        return f"{vip} is in no subnet of {name}{more}, which has {known}"
    if str(vip) in state.host.gateways:
        return f"{vip} is the address of the default router"
    for network in within:
        # Both addresses of a point-to-point network are hosts (RFC 3021, RFC 6164).
        if network.max_prefixlen - network.prefixlen > 1:
            if vip == network.network_address:
                return f"{vip} is the network address of {network}"
            if vip == network.broadcast_address and vip.version == 4:
                return f"{vip} is the broadcast address of {network}"
    return ""


def lost_subnet(vip: IPAddress, cluster: Cluster, node: Node, state: ObservedNode) -> bool:
    """Whether an applied VIP is no longer in any subnet of the node.

    The kernel removes IPv6 addresses from an interface that goes down (Linux, ip-sysctl.rst,
    `keep_addr_on_down`). Addresses that were added by hand are then missing.
    """
    applied = [v.partition("/")[0] for v in (state.applied.vips if state.applied else ())]
    return str(vip) in applied and not any(vip in n for n in networks_of(cluster, node, state))


def networks_of(cluster: Cluster, node: Node, state: ObservedNode) -> list[IPNetwork]:
    """The networks of the node's interface."""
    # A VIP on the node is no evidence of the subnet.
    vips = {vip.partition("/")[0] for vip in (state.applied.vips if state.applied else ())}
    vips |= {str(other.ip) for other in cluster.vip}
    name = interface_of(node, state)
    found = [
        ipaddress.ip_interface(f"{a.address}/{a.prefix}").network
        for a in state.addresses
        if a.interface == name and a.address not in vips
    ]
    return [network for network in found if network.prefixlen < network.max_prefixlen]


def networks_around(
    vip: IPInterface, cluster: Cluster, observed: Mapping[str, ObservedNode]
) -> set[IPNetwork]:
    """The networks that contain a VIP, by its prefix and by the interfaces of the nodes.

    Args:
        vip: with its prefix, if it has one.
        observed: by node label.
    """
    found = {
        n for node, state in _nodes(cluster, observed) for n in networks_of(cluster, node, state)
    }
    if vip.network.prefixlen < vip.network.max_prefixlen:
        found.add(vip.network)
    return {network for network in found if network.version == vip.version and vip.ip in network}


def unsafe_to_probe(cluster: Cluster, observed: Mapping[str, ObservedNode]) -> dict[str, str]:
    """VIPs that hadeploy must not probe, because they could belong to other hosts: VIP → reason.

    Args:
        observed: by node label.
    """
    nodes = _nodes(cluster, observed)
    found = {}
    for vip in cluster.vip:
        placed = any(
            vip.ip in n for node, state in nodes for n in networks_of(cluster, node, state)
        )
        for node, state in nodes:
            # An applied VIP belongs to the cluster as long as any node has its subnet.
            ours = placed and lost_subnet(vip.ip, cluster, node, state)
            problem = misplaced(vip.ip, cluster, node, state)
            if problem and not ours:
                found[str(vip.ip)] = problem
    return found


def _nodes(
    cluster: Cluster, observed: Mapping[str, ObservedNode]
) -> list[tuple[Node, ObservedNode]]:
    return [(node, observed[node.label]) for node in cluster.nodes if node.label in observed]
