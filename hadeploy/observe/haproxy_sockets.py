"""The sockets where haproxy listens, or that leave it no room there. Pure.

Any user of a node can listen on haproxy's ports at addresses that haproxy does not use, as on ::1
where it serves IPv4. That is no matter of hadeploy's.
"""

from __future__ import annotations

import ipaddress

from hadeploy.inventory.cluster import Cluster
from hadeploy.inventory.fields import NODE
from hadeploy.observe.observed_node import ObservedNode, Socket

_LOOPBACK = "127.0.0.1"
_EVERY = {4: "0.0.0.0", 6: "::"}  # noqa: S104
# As ss calls a socket of both families.
_BOTH = "*"


def wildcards(cluster: Cluster) -> frozenset[str]:
    """Where the listeners bind, as haproxy.cfg has it: `*` for IPv4, `::` for IPv6."""
    return frozenset("*" if vip.version == 4 else "::" for vip in cluster.vip)


def haproxy_sockets(cluster: Cluster, look: ObservedNode, port: int) -> list[Socket]:
    """This cluster's haproxy's own sockets on a port, and those that leave it no room there.

    Args:
        cluster: the inventory.
        look: a node.
        port: one of `cluster.haproxy_ports`.
    """
    haproxy = look.ours_of(cluster.name, "haproxy")
    return [s for s in look.listeners(port) if s.belongs_to(haproxy) or _meets(cluster, s)]


def _meets(cluster: Cluster, socket: Socket) -> bool:
    address = socket.address.partition("%")[0]
    if address == _BOTH:
        return True
    family = 6 if ":" in address else 4
    hosts = _hosts(cluster, socket.port)
    return address in hosts or any(
        host == _EVERY[family]
        or (address == _EVERY[family] and ipaddress.ip_address(host).version == family)
        for host in hosts
    )


def _hosts(cluster: Cluster, port: int) -> set[str]:
    """Where haproxy is to listen on a port; the node's own address is every one of its family."""
    hosts = {_LOOPBACK} if port == cluster.haproxy.health_port else set()
    if any(listener.port == port for listener in cluster.listeners):
        hosts |= {_EVERY[vip.version] for vip in cluster.vip}
    metrics = cluster.haproxy.metrics
    if metrics and metrics.port == port:
        own = {_EVERY[node.address.version] for node in cluster.nodes}
        hosts |= own if metrics.address == NODE else {metrics.address}
    return hosts
