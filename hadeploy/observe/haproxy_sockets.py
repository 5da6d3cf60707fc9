"""The sockets of haproxy, and sockets of other programs that conflict with them. Pure.

Other programs may listen on haproxy's ports at addresses that haproxy does not use, for example on
::1 if haproxy serves IPv4. That is not a conflict.
"""

from __future__ import annotations

import ipaddress

from hadeploy.inventory.cluster import Cluster
from hadeploy.inventory.fields import NODE
from hadeploy.observe.observed_node import ObservedNode, Socket

_LOOPBACK = "127.0.0.1"
_EVERY = {4: "0.0.0.0", 6: "::"}  # noqa: S104
# ss prints this for a socket of both families.
_BOTH = "*"


def wildcards(cluster: Cluster) -> frozenset[str]:
    """The bind addresses of the listeners in haproxy.cfg: `*` for IPv4, `::` for IPv6."""
    return frozenset("*" if vip.version == 4 else "::" for vip in cluster.vip)


def haproxy_sockets(cluster: Cluster, state: ObservedNode, port: int) -> list[Socket]:
    """The sockets of the cluster's haproxy on a port, and those that conflict with them.

    Args:
        state: a node.
        port: one of `cluster.haproxy_ports`.
    """
    haproxy = state.ours_of(cluster.name, "haproxy")
    return [s for s in state.listeners(port) if s.belongs_to(haproxy) or _conflicts(cluster, s)]


def _conflicts(cluster: Cluster, socket: Socket) -> bool:
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
    """The addresses on which haproxy listens on a port, with a wildcard for the node's address."""
    hosts = {_LOOPBACK} if port == cluster.haproxy.health_port else set()
    if any(listener.port == port for listener in cluster.listeners):
        hosts |= {_EVERY[vip.version] for vip in cluster.vip}
    metrics = cluster.haproxy.metrics
    if metrics and metrics.port == port:
        own = {_EVERY[node.address.version] for node in cluster.nodes}
        hosts |= own if metrics.address == NODE else {metrics.address}
    return hosts
