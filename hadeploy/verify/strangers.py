"""Machines of the segment that are not of the cluster, and VIPs in the wrong place. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping

from hadeploy.adopt.recognise import recognise
from hadeploy.inventory.cluster import Cluster, Node
from hadeploy.observe.observed_node import Address, Applied, ObservedNode
from hadeploy.observe.subnets import interface_of
from hadeploy.plan.membership import of_another_cluster, vips_of
from hadeploy.plan.vrrp_settings import present_addresses
from hadeploy.verify.stranger import Stranger


def forgotten_nodes(cluster: Cluster, observed: Mapping[str, ObservedNode]) -> list[str]:
    """Addresses of nodes that left the inventory without being stopped.

    Args:
        cluster: the inventory.
        observed: by node label; their records name them.
    """
    records = _own_records(cluster, observed)
    forgotten = {address for record in records for address in record.forgotten}
    return sorted(forgotten - present_addresses(cluster, observed))


def left_nodes(cluster: Cluster, observed: Mapping[str, ObservedNode]) -> set[str]:
    """Addresses of nodes that the records name and the inventory does not.

    Args:
        cluster: the inventory.
        observed: by node label; their records name them.
    """
    records = _own_records(cluster, observed)
    return {m for record in records for m in record.members} - present_addresses(cluster, observed)


def _own_records(cluster: Cluster, observed: Mapping[str, ObservedNode]) -> list[Applied]:
    """The records that are not another cluster's: those decide nothing about this one."""
    return [
        look.applied
        for node, look in observed.items()
        if look.applied and not of_another_cluster(cluster, observed, node)
    ]


def _served_elsewhere(cluster: Cluster, observed: Mapping[str, ObservedNode], address: str) -> str:
    """The VIPs of another cluster of which a record says that this is a node; "" if none does."""
    for node in observed:
        record = of_another_cluster(cluster, observed, node)
        if record and address in record.members:
            return " and ".join(sorted(vips_of(record)))
    return ""


def is_back(cluster: Cluster, observed: Mapping[str, ObservedNode], address: str) -> bool:
    """Whether a machine answers for the address of a former node (ARP, neighbour discovery).

    It may be another machine that has got that address.

    Args:
        cluster: the inventory.
        observed: by node label; those that know of the former node ask for it.
        address: its own.
    """
    relays = _relays(cluster, observed)
    segments = [look.segment for look in observed.values() if look.segment]
    return any(set(segment.answers.get(address, ())) - relays for segment in segments)


def answering(cluster: Cluster, observed: Mapping[str, ObservedNode], vip: str) -> list[Stranger]:
    """The strangers that answer for a VIP (ARP, or IPv6 neighbour discovery).

    Args:
        cluster: the inventory.
        observed: by node label.
        vip: without its prefix.
    """
    # Another node of the cluster that answers, too, is as good as a stranger.
    holding = [
        look for look in observed.values() if any(a.address == vip for a in look.addresses)
    ] or observed.values()
    known = {link.mac for look in holding for link in look.host.links.values()}
    known |= _relays(cluster, observed)
    seen: dict[str, list[str]] = {}
    for node, look in observed.items():
        for mac in look.segment.answers.get(vip, ()) if look.segment else ():
            if mac not in known:
                seen.setdefault(mac, []).append(node)
    return [
        _stranger(cluster, observed, mac, _address_of(cluster, observed, mac), nodes)
        for mac, nodes in sorted(seen.items())
    ]


def advertising(
    cluster: Cluster, observed: Mapping[str, ObservedNode], *, masters: bool = False
) -> list[Stranger]:
    """The strangers whose adverts with the cluster's virtual_router_id arrive at a node.

    Args:
        cluster: the inventory.
        observed: by node label.
        masters: whether to believe a backup that names its master, too; until the next advert it
            may name one that is gone.
    """
    known = {str(node.address) for node in cluster.nodes}
    known |= {a.address for look in observed.values() for a in look.addresses}
    seen: dict[str, list[str]] = {}
    for node, look in observed.items():
        sources = set(look.segment.adverts) if look.segment else set()
        spoken = look.vrrp.spoken if look.vrrp and look.vrrp.state == "BACKUP" else None
        if spoken and masters:
            sources.add(spoken.master.partition("%")[0])
        for address in sources - known:
            if _is_foreign(cluster, observed, address):
                seen.setdefault(address, []).append(node)
    return [
        _stranger(cluster, observed, "", address, nodes) for address, nodes in sorted(seen.items())
    ]


def _is_foreign(cluster: Cluster, observed: Mapping[str, ObservedNode], address: str) -> bool:
    """Whether an unknown source of adverts is surely no node; a backup may name none at all."""
    try:
        source = ipaddress.ip_address(address)
    except ValueError:
        return False
    # IPv6 multicast adverts have link-local sources; those of a node that is away are not known.
    unknown = source.is_link_local and len(observed) < len(cluster.nodes)
    return not (source.is_unspecified or source.is_multicast or unknown)


def _stranger(
    cluster: Cluster,
    observed: Mapping[str, ObservedNode],
    mac: str,
    address: str,
    seen_from: list[str],
) -> Stranger:
    labels = {str(node.address): node.label for node in cluster.nodes}
    macs = {link.mac: node for node, look in observed.items() for link in look.host.links.values()}
    own = macs.get(mac, "") if mac else ""
    label = own or labels.get(address, "")
    return Stranger(
        mac,
        address,
        tuple(seen_from),
        label,
        not label and address in forgotten_nodes(cluster, observed),
        not label and address in left_nodes(cluster, observed),
        bool(own),
        "" if label else _served_elsewhere(cluster, observed, address),
    )


def _relays(cluster: Cluster, observed: Mapping[str, ObservedNode]) -> set[str]:
    """Hardware addresses that answer in place of the nodes, as the networks of some clouds do."""
    found: set[str] = set()
    for node in cluster.nodes:
        if node.label in observed:
            own = {link.mac for link in observed[node.label].host.links.values()}
            for look in observed.values():
                if look.segment:
                    found |= look.segment.answers.get(str(node.address), frozenset()) - own
    return found


def _address_of(cluster: Cluster, observed: Mapping[str, ObservedNode], mac: str) -> str:
    """The address, other than a VIP, that this hardware address answers for."""
    vips = {str(vip.ip) for vip in cluster.vip}
    for look in observed.values():
        for address, macs in look.segment.answers.items() if look.segment else ():
            if mac in macs and address not in vips:
                return address
    return ""


# ---- VIPs in the wrong place


def misplaced_vips(cluster: Cluster, node: Node, look: ObservedNode) -> list[Address]:
    """VIPs where keepalived neither puts nor removes them: another interface, another prefix.

    What a handover keeps on lo for a moment is not meant, nor what a keepalived that was set up by
    hand holds.

    Args:
        cluster: the inventory.
        node: the node.
        look: the same.
    """
    vips = {str(vip.ip) for vip in cluster.vip}
    wrong = [a for a in look.addresses if a.address in vips and not a.pinned]
    if not wrong or recognise(cluster, look):
        return []
    interfaces = {interface_of(node, look)}
    prefixes = {str(vip) for vip in cluster.vip}
    if look.applied:
        # What was applied last is still in force.
        interfaces.add(look.applied.interface)
        prefixes |= set(_recorded_vips(look))
    spoken = look.vrrp.spoken if look.vrrp else None
    own = spoken.places if spoken else frozenset()
    return [
        a
        for a in wrong
        if (a.interface not in interfaces or f"{a.address}/{a.prefix}" not in prefixes)
        and (a.interface, f"{a.address}/{a.prefix}") not in own
    ]


def _recorded_vips(look: ObservedNode) -> Iterator[str]:
    recorded = look.applied.inventory.get("vip", []) if look.applied else []
    for text in recorded if isinstance(recorded, list) else []:
        try:
            yield str(ipaddress.ip_interface(str(text)))
        except ValueError:
            continue


def origin(address: Address) -> str:
    """What most probably put a misplaced VIP there, as part of a sentence.

    Args:
        address: from `misplaced_vips`.
    """
    if address.interface == "kube-ipvs0":
        return (
            "kube-proxy in IPVS mode, for a Service that has it as external IP or load balancer IP"
        )
    if address.interface == "lo":
        return "another load balancer's agent (kube-vip, LVS), or a change by hand"
    return "the node's network configuration, or a change by hand"


def removal(look: ObservedNode, address: Address) -> str:
    """The command that takes a misplaced VIP away, and what keeps it away.

    Args:
        look: the node.
        address: from `misplaced_vips`.
    """
    if address.interface == "kube-ipvs0":
        return (
            f"find the Service (`kubectl get services -A | grep {address.address}`) and give it "
            "another address; what is deleted by hand kube-proxy adds again"
        )
    command = f"ip address del {address.address}/{address.prefix} dev {address.interface}"
    if _is_primary(look, address):
        # Else the kernel would remove the node's own address with it (devinet.c).
        command = f"sysctl -w net.ipv4.conf.{address.interface}.promote_secondaries=1; {command}"
    return (
        f"on the node: {command}; and remove it from the network configuration, if it is there "
        "(netplan, NetworkManager, /etc/network)"
    )


def _is_primary(look: ObservedNode, address: Address) -> bool:
    """Whether other addresses of the same IPv4 subnet would go away with it."""
    network = ipaddress.ip_interface(f"{address.address}/{address.prefix}").network
    alike = [
        a.address
        for a in look.addresses
        if a.interface == address.interface
        and ipaddress.ip_interface(f"{a.address}/{a.prefix}").network == network
    ]
    return network.version == 4 and len(alike) > 1 and alike[0] == address.address
