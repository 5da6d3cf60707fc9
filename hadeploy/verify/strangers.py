"""Unknown machines on the segment, and VIPs on the wrong interface. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping

from hadeploy.adopt.recognise import recognise
from hadeploy.inventory.cluster import Cluster, Node
from hadeploy.observe.applied import Applied
from hadeploy.observe.observed_node import Address, ObservedNode
from hadeploy.observe.subnets import interface_of
from hadeploy.plan.membership import of_another_cluster, vips_of
from hadeploy.plan.vrrp_settings import present_addresses
from hadeploy.verify.stranger import Stranger


def forgotten_nodes(cluster: Cluster, observed: Mapping[str, ObservedNode]) -> list[str]:
    """Addresses of forgotten nodes in the records: removed without being stopped."""
    records = _own_records(cluster, observed)
    forgotten = {address for record in records for address in record.forgotten}
    return sorted(forgotten - present_addresses(cluster, observed))


def left_nodes(cluster: Cluster, observed: Mapping[str, ObservedNode]) -> set[str]:
    """Addresses of nodes that are in the records but not in the inventory."""
    records = _own_records(cluster, observed)
    return {m for record in records for m in record.members} - present_addresses(cluster, observed)


def _own_records(cluster: Cluster, observed: Mapping[str, ObservedNode]) -> list[Applied]:
    """The records of this cluster, without those of other clusters."""
    return [
        state.applied
        for node, state in observed.items()
        if state.applied and not of_another_cluster(cluster, observed, node)
    ]


def _served_elsewhere(cluster: Cluster, observed: Mapping[str, ObservedNode], address: str) -> str:
    """The VIPs of another cluster whose record contains the address, or ""."""
    for node in observed:
        record = of_another_cluster(cluster, observed, node)
        if record and address in record.members:
            return " and ".join(sorted(vips_of(record)))
    return ""


def is_back(cluster: Cluster, observed: Mapping[str, ObservedNode], address: str) -> bool:
    """Whether a machine answers for the address of a former node (ARP, neighbour discovery).

    It may be another machine with the same address.

    Args:
        observed: by node label; nodes with a record of the former node send probes.
        address: of the former node.
    """
    relays = _relays(cluster, observed)
    segments = [state.segment for state in observed.values() if state.segment]
    return any(set(segment.answers.get(address, ())) - relays for segment in segments)


def answering(cluster: Cluster, observed: Mapping[str, ObservedNode], vip: str) -> list[Stranger]:
    """The machines, other than the holder, that answer for a VIP (ARP, neighbour discovery).

    Args:
        observed: by node label.
        vip: without its prefix.
    """
    # Only the holder may answer, so other nodes of the cluster also count.
    holding = [
        state for state in observed.values() if any(a.address == vip for a in state.addresses)
    ] or observed.values()
    known = {link.mac for state in holding for link in state.host.links.values()}
    known |= _relays(cluster, observed)
    seen: dict[str, list[str]] = {}
    for node, state in observed.items():
        for mac in state.segment.answers.get(vip, ()) if state.segment else ():
            if mac not in known:
                seen.setdefault(mac, []).append(node)
    return [
        _stranger(cluster, observed, mac, _address_of(cluster, observed, mac), nodes)
        for mac, nodes in sorted(seen.items())
    ]


def advertising(
    cluster: Cluster, observed: Mapping[str, ObservedNode], *, masters: bool = False
) -> list[Stranger]:
    """The unknown machines that send adverts with the cluster's virtual_router_id.

    Args:
        observed: by node label.
        masters: whether to include the masters that backups report; until the next advert, that may
            be a former master.
    """
    known = {str(node.address) for node in cluster.nodes}
    known |= {a.address for state in observed.values() for a in state.addresses}
    seen: dict[str, list[str]] = {}
    for node, state in observed.items():
        sources = set(state.segment.adverts) if state.segment else set()
        running = state.vrrp.instance if state.vrrp and state.vrrp.state == "BACKUP" else None
        if running and masters:
            sources.add(running.master.partition("%")[0])
        for address in sources - known:
            if _is_foreign(cluster, observed, address):
                seen.setdefault(address, []).append(node)
    return [
        _stranger(cluster, observed, "", address, nodes) for address, nodes in sorted(seen.items())
    ]


def _is_foreign(cluster: Cluster, observed: Mapping[str, ObservedNode], address: str) -> bool:
    """Whether an unknown source of adverts is certainly not a node of the cluster."""
    try:
        source = ipaddress.ip_address(address)
    except ValueError:
        return False
    # IPv6 multicast adverts have link-local sources, which are unknown for unreachable nodes.
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
    macs = {
        link.mac: node for node, state in observed.items() for link in state.host.links.values()
    }
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
    """Hardware addresses that answer on behalf of nodes, as in the networks of some clouds."""
    found: set[str] = set()
    for node in cluster.nodes:
        if node.label in observed:
            own = {link.mac for link in observed[node.label].host.links.values()}
            for state in observed.values():
                if state.segment:
                    found |= state.segment.answers.get(str(node.address), frozenset()) - own
    return found


def _address_of(cluster: Cluster, observed: Mapping[str, ObservedNode], mac: str) -> str:
    """An address other than a VIP for which this hardware address answers."""
    vips = {str(vip.ip) for vip in cluster.vip}
    for state in observed.values():
        for address, macs in state.segment.answers.items() if state.segment else ():
            if mac in macs and address not in vips:
                return address
    return ""


# ---- VIPs on the wrong interface


def misplaced_vips(cluster: Cluster, node: Node, state: ObservedNode) -> list[Address]:
    """VIPs on another interface or with another prefix than keepalived's.

    Addresses that a run has pinned on lo, and VIPs of a keepalived that was set up by hand, are
    correct.
    """
    vips = {str(vip.ip) for vip in cluster.vip}
    wrong = [a for a in state.addresses if a.address in vips and not a.pinned]
    if not wrong or recognise(cluster, state):
        return []
    interfaces = {interface_of(node, state)}
    prefixes = {str(vip) for vip in cluster.vip}
    if state.applied:
        # The last applied configuration is still in effect.
        interfaces.add(state.applied.interface)
        prefixes |= set(_recorded_vips(state))
    running = state.vrrp.instance if state.vrrp else None
    own = running.places if running else frozenset()
    return [
        a
        for a in wrong
        if (a.interface not in interfaces or f"{a.address}/{a.prefix}" not in prefixes)
        and (a.interface, f"{a.address}/{a.prefix}") not in own
    ]


def _recorded_vips(state: ObservedNode) -> Iterator[str]:
    recorded = state.applied.inventory.get("vip", []) if state.applied else []
    for text in recorded if isinstance(recorded, list) else []:
        try:
            yield str(ipaddress.ip_interface(str(text)))
        except ValueError:
            continue


def origin(address: Address) -> str:
    """The probable origin of a misplaced VIP, as a part of a sentence.

    Args:
        address: from `misplaced_vips`.
    """
    if address.interface == "kube-ipvs0":
        return "kube-proxy in IPVS mode, for a Service with this external IP or load balancer IP"
    if address.interface == "lo":
        return "the agent of another load balancer (kube-vip, LVS), or a change by hand"
    return "the network configuration of the node, or a change by hand"


def removal(state: ObservedNode, address: Address) -> str:
    """How to remove a misplaced VIP permanently.

    Args:
        address: from `misplaced_vips`.
    """
    if address.interface == "kube-ipvs0":
        return (
            f"find the Service (`kubectl get services -A | grep {address.address}`) and give it "
            "another address; if you delete the address by hand, kube-proxy adds it again"
        )
    command = f"ip address del {address.address}/{address.prefix} dev {address.interface}"
    if _is_primary(state, address):
        # Otherwise the kernel would also remove the node's own address (devinet.c).
        command = f"sysctl -w net.ipv4.conf.{address.interface}.promote_secondaries=1; {command}"
    return (
        f"on the node: {command}; also remove it from the network configuration (netplan, "
        "NetworkManager, /etc/network)"
    )


def _is_primary(state: ObservedNode, address: Address) -> bool:
    """Whether its removal would also remove other addresses of the same IPv4 subnet."""
    network = ipaddress.ip_interface(f"{address.address}/{address.prefix}").network
    alike = [
        a.address
        for a in state.addresses
        if a.interface == address.interface
        and ipaddress.ip_interface(f"{a.address}/{a.prefix}").network == network
    ]
    return network.version == 4 and len(alike) > 1 and alike[0] == address.address
