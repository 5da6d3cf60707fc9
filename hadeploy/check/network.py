"""Checks of interface and VIP. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping

from hadeploy.check.model import Finding, Sight
from hadeploy.inventory.model import Cluster, IPAddress, Node
from hadeploy.observe.model import ObservedNode
from hadeploy.plan.identity import running_identity


def interface_of(node: Node, observed: ObservedNode) -> str | None:
    """The interface for the VIP: the inventory's, else the one that carries the node's address."""
    return node.interface or observed.interface_of(str(node.address))


def interface(sight: Sight, node: Node, look: ObservedNode) -> Iterator[Finding]:
    """Whether the node has its address and its interface."""
    problems = list(addressless(node, look))
    name = interface_of(node, look)
    link = look.host.links.get(name or "")
    if not problems and link is not None and not link.up:
        state = "has no carrier" if "UP" in link.flags else "is down"
        problems.append(
            (f"the interface {name} {state}", f"ip link set {name} up; is it plugged in?")
        )
    at = look.interface_of(str(node.address))
    if not problems and at != name:
        # keepalived listens on its interface alone: two of them would both become master.
        problem = f"{node.address} is on {at}, so adverts to it would not be heard on {name}"
        problems.append((problem, f"set nodes[].address to the node's address on {name}"))
    for message, fix in problems:
        yield Finding("interface", node.label, "fail", message, fix)
    if not problems:
        yield Finding("interface", node.label, "pass", f"{name} has {node.address}")
    del sight


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


def vip_subnet(sight: Sight, node: Node, look: ObservedNode) -> Iterator[Finding]:
    """Whether every VIP can be on the node's interface."""
    if list(addressless(node, look)):
        return
    for vip in sight.cluster.vip:
        problem = misplaced(vip.ip, sight.cluster, node, look)
        if problem:
            fix = "correct `vip`, or nodes[].interface"
            yield Finding("vip-subnet", node.label, "fail", problem, fix)
        else:
            what = f"{vip.ip} is in a subnet of {interface_of(node, look)}"
            yield Finding("vip-subnet", node.label, "pass", what)


def misplaced(vip: IPAddress, cluster: Cluster, node: Node, look: ObservedNode) -> str:
    """Why an address cannot be a VIP on that node; "" if it can."""
    name = interface_of(node, look)
    # A VIP that is there already says nothing about the subnet.
    vips = {vip.partition("/")[0] for vip in (look.applied.vips if look.applied else ())}
    vips |= {str(other.ip) for other in cluster.vip}
    networks = [
        ipaddress.ip_interface(f"{a.address}/{a.prefix}").network
        for a in look.addresses
        if a.interface == name and a.address not in vips
    ]
    networks = [n for n in networks if n.version == vip.version and n.prefixlen < n.max_prefixlen]
    within = [network for network in networks if vip in network]
    if not within:
        known = ", ".join(str(n) for n in networks) or f"no IPv{vip.version} subnet"
        return f"{vip} is in no subnet of {name}, which has {known}"
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


def not_to_be_asked(cluster: Cluster, observed: Mapping[str, ObservedNode]) -> dict[str, str]:
    """VIPs that nothing may be sent to, since they would be somebody else's: VIP → why.

    Args:
        cluster: the inventory.
        observed: by node label.
    """
    found = {}
    for node, look in Sight(cluster, observed).nodes:
        for vip in cluster.vip:
            problem = misplaced(vip.ip, cluster, node, look)
            if problem:
                found[str(vip.ip)] = problem
    return found


def vip_free(sight: Sight, node: Node, look: ObservedNode) -> Iterator[Finding]:
    """Whether nobody else answers for a VIP, where no node of ours has it."""
    ours = {
        link.mac: label
        for label, seen in sight.observed.items()
        for link in seen.host.links.values()
    }
    for vip in sight.cluster.vip:
        holder = next((n for n, seen in sight.observed.items() if seen.holds(str(vip.ip))), None)
        answered = look.host.neighbours.get(str(vip.ip))
        if holder is not None:
            what = f"{vip.ip} is on {'this node' if holder == node.label else holder}"
            yield Finding("vip-free", node.label, "pass", what)
        elif answered is None:
            continue
        elif not answered:
            yield Finding("vip-free", node.label, "pass", f"nobody answers for {vip.ip}")
        elif answered in ours:
            what = f"{vip.ip} was on {ours[answered]} a moment ago"
            yield Finding("vip-free", node.label, "pass", what)
        else:
            yield _stranger(sight, node, str(vip.ip), answered)


def _stranger(sight: Sight, node: Node, vip: str, mac: str) -> Finding:
    away = [n.label for n in sight.cluster.nodes if n.label not in sight.observed]
    if away:
        what = (
            f"{vip} is in use, by {mac}: "
            f"{' or '.join(away)}, which could not be asked, or a stranger"
        )
        fix = "look at that node first: `ip address`"
        return Finding("vip-free", node.label, "warn", what, fix)
    what = f"{vip} is in use by a stranger, whose hardware address is {mac}"
    fix = "give that machine another address, or choose another `vip`"
    return Finding("vip-free", node.label, "fail", what, fix)


def _may_speak(look: ObservedNode, number: int) -> bool:
    """Whether a keepalived on that node may be who sends adverts with that virtual_router_id."""
    identity = running_identity(look)
    ours = {c.id for c in look.containers if c.role == "keepalived" and c.cluster}
    others = set(look.keepaliveds.values()) - ours
    if identity is None or others:
        return bool(look.keepaliveds)
    # 0: what it runs is not what its file says.
    return identity.virtual_router_id in (number, 0)


def router_id(sight: Sight, node: Node, look: ObservedNode) -> Iterator[Finding]:
    """Whether nobody else on the segment uses our virtual_router_id."""
    number, heard = sight.cluster.vrrp.virtual_router_id, look.host.heard
    if heard is None:
        return
    ours = {str(n.address) for n in sight.cluster.nodes}
    ours |= {a.address for seen in sight.observed.values() for a in seen.addresses}
    # A node of ours may be who has no address in the log of an older keepalived.
    away = len(sight.observed) < len(sight.cluster.nodes)
    maybe_ours = away or any(_may_speak(seen, number) for seen in sight.observed.values())
    strangers = [a or "an unnamed host" for a in heard if a not in ours and (a or not maybe_ours)]
    if strangers:
        what = f"virtual_router_id {number} is used on this segment by {', '.join(strangers)}"
        fix = "choose another vrrp.virtual_router_id"
        # Unicast adverts and multicast ones are not taken for each other.
        clash = sight.cluster.vrrp.mode == "multicast"
        yield Finding("virtual-router-id", node.label, "fail" if clash else "warn", what, fix)
    elif not heard:
        what = f"nobody else sends adverts with virtual_router_id {number}"
        yield Finding("virtual-router-id", node.label, "pass", what)
