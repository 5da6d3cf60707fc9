"""The interface of a node, its networks, and whether a VIP can be there. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping

from hadeploy.inventory.cluster import Cluster, IPAddress, IPInterface, Node
from hadeploy.observe.observed_node import ObservedNode

IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


GIVE_BACK = (
    "give the interface its address in that subnet again, and put it into the node's own network "
    "configuration (IPv6 addresses go when an interface goes down)"
)


def interface_of(node: Node, observed: ObservedNode) -> str | None:
    """The interface for the VIP: the inventory's, else the one that carries the node's address."""
    return node.interface or observed.interface_of(str(node.address))


def addressless(node: Node, look: ObservedNode) -> Iterator[tuple[str, str]]:
    """What without which not even the desired state can be told: message and fix."""
    if look.interface_of(str(node.address)) is None:
        has = ", ".join(
            f"{a.address} ({a.interface})" for a in look.addresses if a.interface != "lo"
        )
        yield (
            f"does not have the address {node.address}; it has {has}",
            "set nodes[].address to the node's own address, and ssh.host to where SSH reaches it",
        )
    if node.interface and node.interface not in {a.interface for a in look.addresses}:
        yield f"has no interface {node.interface} with an address", "correct nodes[].interface"


def misplaced(vip: IPAddress, cluster: Cluster, node: Node, look: ObservedNode) -> str:
    """Why an address cannot be a VIP on that node; "" if it can."""
    name = interface_of(node, look)
    networks = [n for n in networks_of(cluster, node, look) if n.version == vip.version]
    within = [network for network in networks if vip in network]
    if not within:
        known = ", ".join(str(n) for n in networks) or f"no IPv{vip.version} subnet"
        more = " any more" if lost_subnet(vip, cluster, node, look) else ""
        return f"{vip} is in no subnet of {name}{more}, which has {known}"
    if str(vip) in look.host.gateways:
        return f"{vip} is the address of the node's router"
    for network in within:
        # Both addresses of a point-to-point network are hosts (RFC 3021, RFC 6164).
        if network.max_prefixlen - network.prefixlen > 1:
            if vip == network.network_address:
                return f"{vip} is the network address of {network}"
            if vip == network.broadcast_address and vip.version == 4:
                return f"{vip} is the broadcast address of {network}"
    return ""


def lost_subnet(vip: IPAddress, cluster: Cluster, node: Node, look: ObservedNode) -> bool:
    """Whether the node had an address beside a VIP when that was applied, and has none now.

    The kernel removes IPv6 addresses from an interface that goes down (Linux, ip-sysctl.rst,
    `keep_addr_on_down`), and whoever added one by hand has to add it again.

    Args:
        vip: the address.
        cluster: the inventory.
        node: the node.
        look: at it.
    """
    applied = [v.partition("/")[0] for v in (look.applied.vips if look.applied else ())]
    return str(vip) in applied and not any(vip in n for n in networks_of(cluster, node, look))


def networks_of(cluster: Cluster, node: Node, look: ObservedNode) -> list[IPNetwork]:
    """The networks of the node's interface."""
    # A VIP that is there already says nothing about the subnet.
    vips = {vip.partition("/")[0] for vip in (look.applied.vips if look.applied else ())}
    vips |= {str(other.ip) for other in cluster.vip}
    name = interface_of(node, look)
    found = [
        ipaddress.ip_interface(f"{a.address}/{a.prefix}").network
        for a in look.addresses
        if a.interface == name and a.address not in vips
    ]
    return [network for network in found if network.prefixlen < network.max_prefixlen]


def networks_around(
    vip: IPInterface, cluster: Cluster, observed: Mapping[str, ObservedNode]
) -> set[IPNetwork]:
    """The networks that a VIP is in, by the inventory's prefix and the nodes' interfaces.

    Args:
        vip: with its prefix, if it has one.
        cluster: the inventory.
        observed: by node label.
    """
    found = {
        n for node, look in _looks(cluster, observed) for n in networks_of(cluster, node, look)
    }
    if vip.network.prefixlen < vip.network.max_prefixlen:
        found.add(vip.network)
    return {network for network in found if network.version == vip.version and vip.ip in network}


def not_to_be_asked(cluster: Cluster, observed: Mapping[str, ObservedNode]) -> dict[str, str]:
    """VIPs that nothing may be sent to, since they would be somebody else's: VIP → why.

    Args:
        cluster: the inventory.
        observed: by node label.
    """
    nodes = _looks(cluster, observed)
    found = {}
    for vip in cluster.vip:
        placed = any(vip.ip in n for node, look in nodes for n in networks_of(cluster, node, look))
        for node, look in nodes:
            # One that was applied is ours as long as any node has it in a subnet.
            ours = placed and lost_subnet(vip.ip, cluster, node, look)
            problem = misplaced(vip.ip, cluster, node, look)
            if problem and not ours:
                found[str(vip.ip)] = problem
    return found


def _looks(
    cluster: Cluster, observed: Mapping[str, ObservedNode]
) -> list[tuple[Node, ObservedNode]]:
    return [(node, observed[node.label]) for node in cluster.nodes if node.label in observed]
