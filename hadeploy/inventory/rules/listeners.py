"""Rules on listeners and backends: one owner for every port, no circles, room for everybody."""

from __future__ import annotations

from hadeploy.inventory.cluster import Cluster, Listener, backends_of
from hadeploy.inventory.fields import IPAddress
from hadeploy.inventory.problems import KeyPath
from hadeploy.inventory.rules.addresses import Broken


def listeners_once(cluster: Cluster) -> Broken:
    """No two listeners of one name or one port."""
    names: dict[str, int] = {}
    ports: dict[int, int] = {}
    for i, listener in enumerate(cluster.listeners):
        if (first := names.setdefault(listener.name, i)) != i:
            yield ("listeners", i, "name"), f"listeners[{first}] is called {listener.name}, too"
        if (first := ports.setdefault(listener.port, i)) != i:
            yield (
                ("listeners", i, "port"),
                f"listeners[{first}] has port {listener.port} already; each needs its own",
            )


def listener_ports_free(cluster: Cluster) -> Broken:
    """A listener's port must not be the health port or sshd's."""
    health = cluster.haproxy.health_port
    ssh_ports = _ssh_ports(cluster)
    for i, listener in enumerate(cluster.listeners):
        if listener.port == health:
            yield (
                ("listeners", i, "port"),
                f"{health} is haproxy.health_port, where keepalived asks haproxy whether it lives;"
                " give one of the two another port",
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
    """Where sshd listens, as far as the inventory says, and on which node."""
    return {
        port: node.label
        for node in cluster.nodes
        # With another SSH host the port may be a forwarded one, which is not the node's.
        if node.ssh.host is None and (port := node.ssh.port or cluster.ssh.port)
    }


def metrics_port_free(cluster: Cluster) -> Broken:
    """The port of the metrics must not be anybody else's, on any address of a node."""
    if cluster.haproxy.metrics is None:
        return
    taken = {
        port: f"sshd listens on it on node {node}" for port, node in _ssh_ports(cluster).items()
    }
    for listener in cluster.listeners:
        taken[listener.port] = f"the listener {listener.name} has it"
        taken |= {
            port: f"a backend of {listener.name} has it on the node itself"
            for _, address, port in backends_of(cluster, listener)
            if address.is_loopback or address in {node.address for node in cluster.nodes}
        }
    taken[cluster.haproxy.health_port] = "it is haproxy.health_port"
    port = cluster.haproxy.metrics.port
    if port in taken:
        yield ("haproxy", "metrics", "port"), f"{port} is not free: {taken[port]}"


def backends_elsewhere(cluster: Cluster) -> Broken:
    """No backend may stand where haproxy itself listens: a clash of ports, or a circle."""
    ports = {listener.port for listener in cluster.listeners}
    own: set[IPAddress] = {node.address for node in cluster.nodes}
    vips: set[IPAddress] = {vip.ip for vip in cluster.vip}
    for i, listener in enumerate(cluster.listeners):
        if listener.backends is None:
            if listener.backend_port in ports:
                yield (
                    ("listeners", i, "backend_port"),
                    f"the backends are the nodes themselves, and haproxy takes port"
                    f" {listener.backend_port} on every one of them: they cannot both have it",
                )
            elif listener.backend_port == cluster.haproxy.health_port:
                yield ("listeners", i, "backend_port"), _health_clash(listener.backend_port)
            continue
        for j, (_, address, port) in enumerate(backends_of(cluster, listener)):
            here = address in own or address.is_loopback
            if port in ports and (here or address in vips):
                whose = "the VIP" if address in vips else "a node's own address"
                yield (
                    _port_path(i, j, listener),
                    f"{address} is {whose} and haproxy itself listens on port {port} there: it"
                    " would be its own backend, in a circle",
                )
            elif here and port == cluster.haproxy.health_port:
                yield _port_path(i, j, listener), _health_clash(port)


def _health_clash(port: int) -> str:
    return (
        f"{port} is haproxy.health_port, which haproxy takes on every node; give it or the"
        " backend another port"
    )


def _port_path(listener: int, backend: int, of: Listener) -> KeyPath:
    path: KeyPath = ("listeners", listener, "backends", backend)
    given = of.backends[backend] if of.backends else None
    return (*path, "port") if given and given.port else path


def backends_usable(cluster: Cluster) -> Broken:
    """Backends have addresses one can connect to; loopback is each node's own server."""
    for i, listener in enumerate(cluster.listeners):
        for j, backend in enumerate(listener.backends or ()):
            a = backend.address
            if a.is_unspecified or a.is_multicast or str(a) == "255.255.255.255":
                why = "nothing can be reached there"
            elif a.version == 6 and a.is_link_local:
                why = "a link-local address means nothing without an interface"
            else:
                continue
            yield (
                ("listeners", i, "backends", j, "address"),
                f"{backend.address} cannot be a backend: {why}",
            )


def backends_once(cluster: Cluster) -> Broken:
    """No two backends of one address and port, or of one name, behind a listener."""
    for i, listener in enumerate(cluster.listeners):
        places: dict[tuple[IPAddress, int], int] = {}
        names: dict[str, int] = {}
        for j, (name, address, port) in enumerate(backends_of(cluster, listener)):
            if listener.backends is None:
                # The nodes: what is wrong with them is said there.
                break
            if (first := places.setdefault((address, port), j)) != j:
                yield (
                    ("listeners", i, "backends", j),
                    f"{address} port {port} is backends[{first}] already: it would get a double"
                    " share and be counted as two",
                )
            elif (first := names.setdefault(name, j)) != j:
                yield (
                    ("listeners", i, "backends", j, "name"),
                    f"backends[{first}] is called {name}, too; haproxy refuses that",
                )


def connections_fit(cluster: Cluster) -> Broken:
    """The listeners together must leave haproxy room, above all to answer keepalived's check."""
    given = [listener.maxconn for listener in cluster.listeners]
    # A listener that says nothing gets its share of the rest: one connection at the very least.
    wanted, most = sum(maxconn or 1 for maxconn in given), cluster.haproxy.maxconn
    if wanted > most:
        yield (
            ("haproxy", "maxconn"),
            f"the listeners' maxconn add up to {wanted}, more than these {most}: full, haproxy"
            " would not answer keepalived's check and the VIP would leave under load",
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
