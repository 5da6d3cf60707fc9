"""Rules for listeners and backends: ports, loops and maximum connections."""

from __future__ import annotations

from hadeploy.inventory.cluster import Cluster, Listener, backends_of
from hadeploy.inventory.fields import IPAddress
from hadeploy.inventory.problems import KeyPath
from hadeploy.inventory.rules.addresses import Broken


def listeners_once(cluster: Cluster) -> Broken:
    """Listeners must have distinct names and ports."""
    names: dict[str, int] = {}
    ports: dict[int, int] = {}
    for i, listener in enumerate(cluster.listeners):
        if (first := names.setdefault(listener.name, i)) != i:
            yield (
                ("listeners", i, "name"),
                f"{listener.name} is also the name of listeners[{first}]",
            )
        if (first := ports.setdefault(listener.port, i)) != i:
            yield (
                ("listeners", i, "port"),
                f"{listener.port} is also the port of listeners[{first}]; each needs its own",
            )


def listener_ports_free(cluster: Cluster) -> Broken:
    """The port of a listener must not be the health port or the port of sshd."""
    health = cluster.haproxy.health_port
    ssh_ports = _ssh_ports(cluster)
    for i, listener in enumerate(cluster.listeners):
        if listener.port == health:
            yield (
                ("listeners", i, "port"),
                f"{health} is haproxy.health_port, which keepalived's check uses; change one of"
                " the two",
            )
        if listener.port in ssh_ports:
            yield (
                ("listeners", i, "port"),
                f"sshd listens on port {listener.port} of node {ssh_ports[listener.port]}",
            )
    if health in ssh_ports:
        yield (
            ("haproxy", "health_port"),
            f"sshd listens on port {health} of node {ssh_ports[health]}",
        )


def _ssh_ports(cluster: Cluster) -> dict[int, str]:
    """The ports of sshd in the inventory, and a node for each."""
    return {
        port: node.label
        for node in cluster.nodes
        # With another SSH host, the port may be forwarded and not a port of the node.
        if node.ssh.host is None and (port := node.ssh.port or cluster.ssh.port)
    }


def metrics_port_free(cluster: Cluster) -> Broken:
    """The port of the metrics must be unused on all addresses of a node."""
    if cluster.haproxy.metrics is None:
        return
    taken = {
        port: f"sshd listens on it on node {node}" for port, node in _ssh_ports(cluster).items()
    }
    for listener in cluster.listeners:
        taken[listener.port] = f"the listener {listener.name} uses it"
        taken |= {
            port: f"a backend of {listener.name} uses it on the node itself"
            for _, address, port in backends_of(cluster, listener)
            if address.is_loopback or address in {node.address for node in cluster.nodes}
        }
    taken[cluster.haproxy.health_port] = "it is haproxy.health_port"
    port = cluster.haproxy.metrics.port
    if port in taken:
        yield ("haproxy", "metrics", "port"), f"{port} is in use: {taken[port]}"


def backends_elsewhere(cluster: Cluster) -> Broken:
    """No backend may have a port of haproxy: that is a port conflict or a loop."""
    ports = {listener.port for listener in cluster.listeners}
    own: set[IPAddress] = {node.address for node in cluster.nodes}
    vips: set[IPAddress] = {vip.ip for vip in cluster.vip}
    for i, listener in enumerate(cluster.listeners):
        if listener.backends is None:
            if listener.backend_port in ports:
                yield (
                    ("listeners", i, "backend_port"),
                    f"the backends are the nodes themselves, and haproxy already listens on port"
                    f" {listener.backend_port} of every node",
                )
            elif listener.backend_port == cluster.haproxy.health_port:
                yield ("listeners", i, "backend_port"), _health_clash(listener.backend_port)
            continue
        for j, (_, address, port) in enumerate(backends_of(cluster, listener)):
            here = address in own or address.is_loopback
            if port in ports and (here or address in vips):
                what = "the VIP" if address in vips else "the address of a node"
                yield (
                    _port_path(i, j, listener),
                    f"{address} is {what}, and haproxy listens on its port {port}: haproxy would"
                    " be its own backend, in a loop",
                )
            elif here and port == cluster.haproxy.health_port:
                yield _port_path(i, j, listener), _health_clash(port)


def _health_clash(port: int) -> str:
    return (
        f"{port} is haproxy.health_port, on which haproxy listens on every node; change one of"
        " the two"
    )


def _port_path(listener: int, backend: int, of: Listener) -> KeyPath:
    path: KeyPath = ("listeners", listener, "backends", backend)
    given = of.backends[backend] if of.backends else None
    return (*path, "port") if given and given.port else path


def backends_usable(cluster: Cluster) -> Broken:
    """Backends must have host addresses or loopback, which means each node's own server."""
    for i, listener in enumerate(cluster.listeners):
        for j, backend in enumerate(listener.backends or ()):
            a = backend.address
            if a.is_unspecified or a.is_multicast or str(a) == "255.255.255.255":
                why = "it is not the address of a host"
            elif a.version == 6 and a.is_link_local:
                why = "a link-local address is invalid without an interface"
            else:
                continue
            yield (
                ("listeners", i, "backends", j, "address"),
                f"{backend.address} cannot be a backend: {why}",
            )


def backends_once(cluster: Cluster) -> Broken:
    """The backends of a listener must have distinct addresses with port, and distinct names."""
    for i, listener in enumerate(cluster.listeners):
        places: dict[tuple[IPAddress, int], int] = {}
        names: dict[str, int] = {}
        for j, (name, address, port) in enumerate(backends_of(cluster, listener)):
            if listener.backends is None:
                # The backends are the nodes, which have their own rules.
                break
            if (first := places.setdefault((address, port), j)) != j:
                yield (
                    ("listeners", i, "backends", j),
                    f"{address} port {port} is also backends[{first}]: it would get a double share"
                    " and count as two backends",
                )
            elif (first := names.setdefault(name, j)) != j:
                yield (
                    ("listeners", i, "backends", j, "name"),
                    f"{name} is also the name of backends[{first}]; haproxy refuses that",
                )


def connections_fit(cluster: Cluster) -> Broken:
    """The connections of all listeners must leave haproxy free slots for keepalived's check."""
    given = [listener.maxconn for listener in cluster.listeners]
    # A listener without maxconn gets a share of the rest, at least one connection.
    total, maximum = sum(maxconn or 1 for maxconn in given), cluster.haproxy.maxconn
    if total > maximum:
        yield (
            ("haproxy", "maxconn"),
            f"the sum of the listeners' maxconn is {total}, more than {maximum}: a full haproxy"
            " would not answer keepalived's check, and the VIP would move under load",
        )


RULES = (
    listeners_once,
    listener_ports_free,
    metrics_port_free,
    backends_elsewhere,
    backends_usable,
    backends_once,
    connections_fit,
)
