"""Rules on VIPs and nodes: which addresses can be used, and which only once."""

from __future__ import annotations

from collections.abc import Iterator

from hadeploy.inventory.cluster import Cluster, IPAddress
from hadeploy.inventory.problems import KeyPath

Broken = Iterator[tuple[KeyPath, str]]

# How many addresses fit into an advert on a link of 1500 bytes; keepalived stops advertising what
# does not (vrrp_complete_instance; the count field has 8 bits: RFC 5798 section 5.2.5).
_MOST_VIPS = {4: 255, 6: 89}
# A shorter prefix would make the node look for half the Internet on its own segment.
_SHORTEST_PREFIX = {4: 8, 6: 16}


def unusable(address: IPAddress) -> str | None:
    """Why no host can be reached at an address, or None."""
    first_octet = int(address) >> 24 if address.version == 4 else None
    reasons = {
        "it is the unspecified address": address.is_unspecified,
        "it is a loopback address, which no other host can reach": address.is_loopback,
        "it is a multicast address": address.is_multicast,
        "it is a link-local address, which means nothing without an interface": (
            address.is_link_local
        ),
        "it is in 0.0.0.0/8, which is no host's address": first_octet == 0,
        "it is in 240.0.0.0/4, which is reserved": first_octet is not None and first_octet >= 240,
        "it is an IPv4 address in IPv6 dress; write the IPv4 address": (
            address.version == 6 and address.ipv4_mapped is not None
        ),
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def vip_addresses(cluster: Cluster) -> Broken:
    """A VIP must be a host's address in its own network."""
    for i, vip in enumerate(cluster.vip):
        network, version = vip.network, vip.version
        if why := unusable(vip.ip):
            yield ("vip", i), f"{vip.ip} cannot be a VIP: {why}"
        elif network.prefixlen < _SHORTEST_PREFIX[version]:
            yield (
                ("vip", i),
                f"/{network.prefixlen} is too short a prefix: the nodes would take that whole"
                " range for their own segment",
            )
        elif vip.max_prefixlen - network.prefixlen >= 2:
            if vip.ip == network.network_address:
                yield ("vip", i), f"{vip.ip} is the address of the network {network} itself"
            elif version == 4 and vip.ip == network.broadcast_address:
                yield ("vip", i), f"{vip.ip} is the broadcast address of {network}"


def vips_once(cluster: Cluster) -> Broken:
    """No VIP twice, none that a node has as its own, and not more than an advert holds."""
    own = {node.address: node.label for node in cluster.nodes}
    seen: set[IPAddress] = set()
    for i, vip in enumerate(cluster.vip):
        if vip.ip in seen:
            yield ("vip", i), f"{vip.ip} is in the list already"
        seen.add(vip.ip)
        if vip.ip in own:
            yield (
                ("vip", i),
                f"{vip.ip} is the own address of node {own[vip.ip]}: keepalived would remove it"
                " from that node; a VIP must be a free address",
            )
    advertised = cluster.advertised_vips
    most = _MOST_VIPS[cluster.advert_family]
    if len(advertised) > most:
        yield ("vip",), f"{len(advertised)} VIPs do not fit into a VRRP advert; at most {most} do"


def families(cluster: Cluster) -> Broken:
    """A VRRP instance speaks one address family: the nodes' own, of which one VIP must be."""
    first = cluster.nodes[0].address
    speaks = cluster.advert_family if cluster.advertised_vips else cluster.vip[0].version
    for i, node in enumerate(cluster.nodes):
        if node.address.version == speaks:
            continue
        told = f"{node.address} is IPv{node.address.version}, but"
        if first.version == speaks and cluster.excluded_vips:
            why = (
                f"{told} {first} is IPv{speaks}: the nodes announce the VIPs to one another over"
                f" one address family; give the node's IPv{speaks} address"
            )
        else:
            why = (
                f"{told} the VIP is IPv{speaks}: the nodes announce an IPv{speaks} VIP to one"
                f" another over IPv{speaks}; add a VIP of IPv{node.address.version}, or give the"
                f" node's IPv{speaks} address"
            )
        yield ("nodes", i, "address"), why


def node_addresses(cluster: Cluster) -> Broken:
    """Nodes have addresses that hosts can have."""
    for i, node in enumerate(cluster.nodes):
        if why := unusable(node.address):
            yield ("nodes", i, "address"), f"{node.address} cannot be a node's address: {why}"


def nodes_once(cluster: Cluster) -> Broken:
    """No two nodes of one address, one name, or one SSH host."""
    addresses: dict[IPAddress, int] = {}
    labels: dict[str, int] = {}
    hosts: dict[tuple[str, int | None, str | None], int] = {}
    vips = {str(vip.ip) for vip in cluster.vip}
    for i, node in enumerate(cluster.nodes):
        host = node.ssh.host or str(node.address)
        reached = (host, node.ssh.port or cluster.ssh.port, node.ssh.jump or cluster.ssh.jump)
        if (first := addresses.setdefault(node.address, i)) != i:
            yield ("nodes", i, "address"), f"{node.address} is the address of nodes[{first}], too"
        elif (first := labels.setdefault(node.label, i)) != i:
            yield ("nodes", i, "name"), f"nodes[{first}] is called {node.label}, too"
        elif (first := hosts.setdefault(reached, i)) != i:
            yield (
                ("nodes", i, "ssh", "host"),
                f"nodes[{first}] is reached at {host}, too: these would be one machine",
            )
        if node.ssh.host in vips:
            yield (
                ("nodes", i, "ssh", "host"),
                f"{host} is a VIP, which is on another node tomorrow; name the node's own address",
            )


RULES = (vip_addresses, vips_once, families, node_addresses, nodes_once)
