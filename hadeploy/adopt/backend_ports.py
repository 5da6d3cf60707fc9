"""The ports on which a haproxy that was set up by hand serves the listeners' backends. Pure."""

from __future__ import annotations

from hadeploy.config_files.haproxy import Section
from hadeploy.config_files.haproxy_listener import Configuration, HaproxyContext, read_configuration
from hadeploy.config_files.haproxy_servers import place, read_servers
from hadeploy.inventory.cluster import Cluster, backends_of
from hadeploy.inventory.fields import IPAddress
from hadeploy.observe.observed_node import Foreign
from hadeploy.observe.published import published
from hadeploy.plan.binds import binds_of


def configuration_of(haproxy: Foreign) -> Configuration:
    """The configuration of a haproxy, with the facts that change its meaning."""
    text = haproxy.config.decode("utf-8", "replace")
    context = HaproxyContext(haproxy.environment, haproxy.names, published(haproxy))
    return read_configuration(text, context)


def ports_of_backends(cluster: Cluster, haproxy: Foreign) -> tuple[int, ...]:
    """The ports on which it serves a backend of the inventory to other machines."""
    wanted = {
        _shown(address, port)
        for listener in cluster.listeners
        for _, address, port in backends_of(cluster, listener)
    }
    theirs = configuration_of(haproxy)
    found: dict[int, None] = {}
    for section in theirs.found:
        ports = _reached(theirs, section)
        served = theirs.served(ports[0]) if ports else None
        if served is None or served.front is not section:
            continue
        servers = read_servers(served.back_lines, theirs.context.environment)
        if wanted & {place(s.at, theirs.context.names, ports[0]) for s in servers}:
            found |= dict.fromkeys(ports)
    return tuple(found)


def _reached(theirs: Configuration, section: Section) -> tuple[int, ...]:
    """The ports of a section to which other machines can connect."""
    context = theirs.context
    binds = binds_of(section, context.environment, context.names, context.published)
    return tuple(dict.fromkeys(bind.port for bind in binds if not bind.loopback))


def _shown(address: IPAddress, port: int) -> str:
    return f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"
