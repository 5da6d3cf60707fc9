"""All checks on all nodes. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from hadeploy.check.by_hand import set_up_by_hand
from hadeploy.check.catalogue import IDS
from hadeploy.check.certificates import api_certificates, new_api_servers
from hadeploy.check.firewall import firewall
from hadeploy.check.former_nodes import former_nodes
from hadeploy.check.images import archives, images
from hadeploy.check.machine import disk_space, docker, host_network, root, tools
from hadeploy.check.model import CheckContext, Finding
from hadeploy.check.network import interface, vip_subnet
from hadeploy.check.open_files import nofile
from hadeploy.check.other_clusters import conflicting_containers, other_clusters
from hadeploy.check.our_folder import our_folder
from hadeploy.check.places import container_names, host_services, ports
from hadeploy.check.system import clock, name_resolution, selinux
from hadeploy.check.vip import held_once, router_id, vip_free
from hadeploy.inventory.model import Node
from hadeploy.observe.model import ObservedNode

OfNode = Callable[[CheckContext, Node, ObservedNode], Iterator[Finding]]

OF_NODE: tuple[OfNode, ...] = (
    tools,
    docker,
    root,
    host_network,
    disk_space,
    our_folder,
    nofile,
    interface,
    vip_subnet,
    vip_free,
    router_id,
    set_up_by_hand,
    conflicting_containers,
    other_clusters,
    container_names,
    ports,
    host_services,
    images,
    firewall,
    selinux,
    clock,
    name_resolution,
)
OF_CLUSTER: tuple[Callable[[CheckContext], Iterator[Finding]], ...] = (
    archives,
    held_once,
    former_nodes,
    api_certificates,
    new_api_servers,
)


def evaluate(sight: CheckContext, skip: Collection[str] = ()) -> list[Finding]:
    """Every finding, nodes in the inventory's order, and at the end what concerns no single node.

    Args:
        sight: what was observed.
        skip: ids of checks to leave out.
    """
    found = [
        finding
        for node, look in sight.nodes
        for check in OF_NODE
        for finding in check(sight, node, look)
    ]
    found += [finding for check in OF_CLUSTER for finding in check(sight)]
    return without(found, skip)


def without(findings: list[Finding], skip: Collection[str]) -> list[Finding]:
    """Those of the checks that are not skipped."""
    return [finding for finding in findings if finding.check not in skip]


def in_order(findings: list[Finding]) -> list[Finding]:
    """By check in the catalogue's order, then as they are."""
    return sorted(findings, key=lambda finding: IDS.index(finding.check))
