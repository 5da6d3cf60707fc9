"""Rules for the addresses of VIPs and nodes."""

from __future__ import annotations

from collections.abc import Iterator

from hadeploy.inventory.cluster import Cluster, IPAddress
from hadeploy.inventory.problems import KeyPath

Broken = Iterator[tuple[KeyPath, str]]

# The maximum number of addresses in an advert on a link of 1500 bytes; keepalived does not
# advertise more (vrrp_complete_instance; the count field has 8 bits: RFC 5798 section 5.2.5).
_MAX_VIPS = {4: 255, 6: 89}
# With a shorter prefix, the node would assume a large part of the Internet on its own segment.
_SHORTEST_PREFIX = {4: 8, 6: 16}


def unusable(address: IPAddress) -> str | None:
    """Why an address cannot be the address of a host, or None."""
    first_octet = int(address) >> 24 if address.version == 4 else None
    reasons = {
        "it is the unspecified address": address.is_unspecified,
        "it is a loopback address, which other hosts cannot reach": address.is_loopback,
        "it is a multicast address": address.is_multicast,
        "it is a link-local address, which is invalid without an interface": (
            address.is_link_local
        ),
        "it is in 0.0.0.0/8, which contains no host addresses": first_octet == 0,
        "it is in 240.0.0.0/4, which is reserved": first_octet is not None and first_octet >= 240,
        "it is an IPv4-mapped IPv6 address; write the IPv4 address": (
            address.version == 6 and address.ipv4_mapped is not None
        ),
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def vip_addresses(cluster: Cluster) -> Broken:
    """A VIP must be a host address in its network."""
    for i, vip in enumerate(cluster.vip):
        network, version = vip.network, vip.version
        if why := unusable(vip.ip):
            yield ("vip", i), f"{vip.ip} cannot be a VIP: {why}"
        elif network.prefixlen < _SHORTEST_PREFIX[version]:
            yield (
                ("vip", i),
                f"the prefix /{network.prefixlen} is too short: the nodes would assume that whole"
                " range on their own segment",
            )
        elif vip.max_prefixlen - network.prefixlen >= 2:
            if vip.ip == network.network_address:
                yield ("vip", i), f"{vip.ip} is the network address of {network}"
            elif version == 4 and vip.ip == network.broadcast_address:
                yield ("vip", i), f"{vip.ip} is the broadcast address of {network}"


def vips_once(cluster: Cluster) -> Broken:
    """VIPs must be distinct, not be node addresses, and fit into an advert."""
    own = {node.address: node.label for node in cluster.nodes}
    seen: set[IPAddress] = set()
    for i, vip in enumerate(cluster.vip):
        if vip.ip in seen:
            yield ("vip", i), f"{vip.ip} is already in the list"
        seen.add(vip.ip)
        if vip.ip in own:
            yield (
                ("vip", i),
                f"{vip.ip} is the address of node {own[vip.ip]}, and keepalived would remove it"
                " from that node; a VIP must be an unused address",
            )
    advertised = cluster.advertised_vips
    maximum = _MAX_VIPS[cluster.advert_family]
    if len(advertised) > maximum:
        yield (
            ("vip",),
            f"{len(advertised)} VIPs do not fit into a VRRP advert; the maximum is {maximum}",
        )


def families(cluster: Cluster) -> Broken:
    """VRRP uses one address family: all nodes and at least one VIP must have it."""
    first = cluster.nodes[0].address
    family = cluster.advert_family if cluster.advertised_vips else cluster.vip[0].version
    for i, node in enumerate(cluster.nodes):
        if node.address.version == family:
            continue
        start = f"{node.address} is IPv{node.address.version}, but"
        if first.version == family and cluster.excluded_vips:
            message = (
                f"{start} {first} is IPv{family}: the nodes send adverts over one address family;"
                f" specify the node's IPv{family} address"
            )
        else:
            message = (
                f"{start} the VIP is IPv{family}: the nodes send adverts for an IPv{family} VIP"
                f" over IPv{family}; add a VIP of IPv{node.address.version}, or specify the"
                f" node's IPv{family} address"
            )
        yield ("nodes", i, "address"), message


def node_addresses(cluster: Cluster) -> Broken:
    """Nodes must have host addresses."""
    for i, node in enumerate(cluster.nodes):
        if why := unusable(node.address):
            yield ("nodes", i, "address"), f"{node.address} cannot be a node's address: {why}"


def nodes_once(cluster: Cluster) -> Broken:
    """Nodes must have distinct addresses, names and SSH hosts."""
    addresses: dict[IPAddress, int] = {}
    labels: dict[str, int] = {}
    hosts: dict[tuple[str, int | None, str | None], int] = {}
    vips = {str(vip.ip) for vip in cluster.vip}
    for i, node in enumerate(cluster.nodes):
        host = node.ssh.host or str(node.address)
        reached = (host, node.ssh.port or cluster.ssh.port, node.ssh.jump or cluster.ssh.jump)
        if (first := addresses.setdefault(node.address, i)) != i:
            yield ("nodes", i, "address"), f"{node.address} is also the address of nodes[{first}]"
        elif (first := labels.setdefault(node.label, i)) != i:
            yield ("nodes", i, "name"), f"{node.label} is also the name of nodes[{first}]"
        elif (first := hosts.setdefault(reached, i)) != i:
            yield (
                ("nodes", i, "ssh", "host"),
                f"{host} is also the SSH host of nodes[{first}]",
            )
        if node.ssh.host in vips:
            yield (
                ("nodes", i, "ssh", "host"),
                f"{host} is a VIP, which can move to another node; specify the node's own address",
            )


RULES = (vip_addresses, vips_once, families, node_addresses, nodes_once)
