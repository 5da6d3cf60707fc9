"""Checks of the interface and of the VIP's subnet. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from hadeploy.check.entry import Check
from hadeploy.check.finding import CheckContext, Finding
from hadeploy.inventory.cluster import Cluster, IPInterface, Node
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.observe.subnets import (
    GIVE_BACK,
    addressless,
    interface_of,
    lost_subnet,
    misplaced,
    networks_of,
)

INTERFACE = Check(
    "interface",
    "interface",
    "the node has its address, and the interface exists, is up and has a carrier",
    "correct `nodes[].address` or `nodes[].interface`; set the interface up",
    essential=True,
)


@INTERFACE.of_node
def interface(context: CheckContext, node: Node, state: ObservedNode) -> Iterator[Finding]:
    """Whether the node has its address and its interface."""
    problems = list(addressless(node, state))
    name = interface_of(node, state)
    link = state.host.links.get(name or "")
    if not problems and link is not None and not link.up:
        problem = "has no carrier" if "UP" in link.flags else "is down"
        problems.append(
            (f"the interface {name} {problem}", f"ip link set {name} up; check the cable")
        )
    at = state.interface_of(str(node.address))
    if not problems and at != name:
        # keepalived listens on one interface only: two nodes would become master.
        problem = f"{node.address} is on {at}, so its adverts would not arrive on {name}"
        problems.append((problem, f"set nodes[].address to the node's address on {name}"))
    for message, fix in problems:
        yield Finding(INTERFACE.id, node.label, "fail", message, fix)
    if not problems:
        yield Finding(INTERFACE.id, node.label, "pass", f"{name} has {node.address}")
    del context


VIP_SUBNET = Check(
    "vip-subnet",
    "VIP in subnet",
    "the VIP is in a subnet of the interface, is not the network or broadcast address, that of "
    "the router or of a node, and its prefix is not wider than the subnet. Otherwise it receives "
    "no packets",
    "correct `vip`, or `nodes[].interface`; with VIPs of both address families, give each node "
    "an address of both",
)


@VIP_SUBNET.of_node
def vip_subnet(context: CheckContext, node: Node, state: ObservedNode) -> Iterator[Finding]:
    """Whether every VIP can be on the node's interface."""
    if list(addressless(node, state)):
        return
    for vip in context.cluster.vip:
        problem = misplaced(vip.ip, context.cluster, node, state)
        if problem:
            fix = "correct `vip`, or nodes[].interface"
            if lost_subnet(vip.ip, context.cluster, node, state):
                fix = GIVE_BACK
            elif vip in context.cluster.excluded_vips:
                fix = f"give the node an IPv{vip.version} address in that subnet, or {fix}"
            yield Finding(VIP_SUBNET.id, node.label, "fail", problem, fix)
        elif problem := _too_wide(vip, context.cluster, node, state):
            fix = "remove the prefix from `vip`, or use that of the subnet"
            yield Finding(VIP_SUBNET.id, node.label, "fail", problem, fix)
        else:
            what = f"{vip.ip} is in a subnet of {interface_of(node, state)}"
            yield Finding(VIP_SUBNET.id, node.label, "pass", what)


def _too_wide(vip: IPInterface, cluster: Cluster, node: Node, state: ObservedNode) -> str:
    """Why the prefix of a VIP is too wide, or "": the kernel adds a route to that network."""
    subnets = [network for network in networks_of(cluster, node, state) if vip.ip in network]
    widest = min(subnets, key=lambda network: network.prefixlen)
    if vip.network.prefixlen >= widest.prefixlen:
        return ""
    return (
        f"{vip} is wider than the subnet of {interface_of(node, state)}, {widest}: the holder "
        "would look for clients behind the router on its own link"
    )
