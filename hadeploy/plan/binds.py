"""The ports on which the frontends of a haproxy.cfg listen, and their purpose. Pure."""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from hadeploy.config_files.haproxy import FRONTENDS, Section, sections
from hadeploy.config_files.haproxy_values import endpoints
from hadeploy.desired import layout
from hadeploy.desired.desired_node import DesiredNode
from hadeploy.inventory.fields import NAME
from hadeploy.observe.observed_node import ObservedNode

EVERY_IPV4, EVERY_IPV6 = "*", "::"
# Prefix of hadeploy's own sections, which clients of the VIP do not use.
OWN = "hadeploy-"
HEALTH = "hadeploy-health"
# A limit that no valid haproxy.cfg reaches, because the content comes from a node.
MOST_BYTES = 1_000_000
_BACKENDS = ("default_backend", "use_backend", "server", "server-template")


@dataclass(frozen=True)
class Bind:
    """A port on which a frontend listens.

    Attributes:
        host: an address, "*" for every IPv4 address, "::" for every IPv6 address, or a host name.
        port: of the node.
        section: the name of its section; "" if the name is invalid in an inventory.
        statistics: whether it serves statistics or metrics and has no backends.
        own: whether it is not for clients of the VIP: statistics and hadeploy's own sections.
        anywhere: whether it also binds addresses that the node does not have (`transparent`).
    """

    host: str
    port: int
    section: str = ""
    statistics: bool = False
    own: bool = False
    anywhere: bool = False

    @property
    def loopback(self) -> bool:
        """Whether only programs on the node can connect."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def shown(self) -> str:
        """Address and port."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def fixed(self) -> bool:
        """Whether it has one address instead of all addresses of a family."""
        return self.host not in (EVERY_IPV4, EVERY_IPV6)

    def covers(self, address: str) -> bool:
        """Whether it accepts connections to that address; a host name may have any address."""
        every = EVERY_IPV6 if ":" in address else EVERY_IPV4
        if not self.fixed:
            return self.host == every
        try:
            return ipaddress.ip_address(self.host) == ipaddress.ip_address(address)
        except ValueError:
            return not self.loopback


@dataclass(frozen=True)
class ChangedFile:
    """The current and the new haproxy.cfg of a node."""

    old: str
    new: str

    @functools.cached_property
    def before(self) -> tuple[Bind, ...]:
        """The current binds."""
        return binds_in(self.old)

    @functools.cached_property
    def after(self) -> tuple[Bind, ...]:
        """The new binds."""
        return binds_in(self.new)

    def same_servers(self, port: int) -> bool:
        """Whether a port has the same servers before and after."""
        # Late imports, because this is rarely needed.
        from hadeploy.config_files.haproxy_listener import HaproxyContext, read_configuration  # noqa: PLC0415
        from hadeploy.config_files.haproxy_servers import read_servers  # noqa: PLC0415

        found = []
        for text in (self.old, self.new):
            served = read_configuration(text, HaproxyContext()).served(port)
            servers = read_servers(served.back_lines, {}) if served else ()
            found.append({(server.at.host, server.at.ports) for server in servers})
        return bool(found[0]) and found[0] == found[1]


def changed_file(desired: DesiredNode, observed: ObservedNode) -> ChangedFile | None:
    """The change of haproxy.cfg on a node; None if the file is missing or does not change."""
    current, new = observed.file(layout.HAPROXY_CFG), desired.file(layout.HAPROXY_CFG)
    if current is None or current.sha256 == new.sha256 or len(current.content) > MOST_BYTES:
        return None
    return ChangedFile(current.content.decode("utf-8", "replace"), new.content)


def binds_in(text: str) -> tuple[Bind, ...]:
    """Every TCP port of a haproxy.cfg in a container that uses the node's network."""
    return tuple(bind for section in sections(text) for bind in binds_of(section))


def binds_of(
    section: Section,
    environment: Mapping[str, str] | None = None,
    names: Mapping[str, str] | None = None,
    published: Mapping[int, int] | None = None,
) -> Iterator[Bind]:
    """The ports of one section.

    Args:
        section: of a haproxy.cfg.
        environment: of the haproxy process.
        names: host name → address on the node.
        published: port in the container → port on the node; None with the node's network.
    """
    if section.kind not in FRONTENDS:
        return
    title = section.name.partition(" ")[0]
    name = title if re.fullmatch(NAME, title) else ""
    statistics = is_statistics(section)
    own = statistics or title.startswith(OWN)
    for line in section.all("bind"):
        for endpoint in endpoints(line, environment or {}):
            host = (names or {}).get(endpoint.host, endpoint.host)
            hosts = (EVERY_IPV4, EVERY_IPV6) if "v4v6" in line.words else (host,)
            for each, port in ((each, port) for each in hosts for port in endpoint.some):
                bind = Bind(each, port, name, statistics, own, "transparent" in line.words)
                if published is None:
                    yield bind
                elif port in published and not bind.loopback:
                    yield Bind(EVERY_IPV4, published[port], name, statistics, own)


def is_statistics(section: Section) -> bool:
    """Whether a section serves statistics or metrics and has no backends."""
    exports = any("prometheus-exporter" in line.words for line in section.all("http-request"))
    if any(section.all(keyword) for keyword in _BACKENDS):
        return False
    return exports or bool(section.all("stats"))


def ports_at(binds: Collection[Bind], address: str) -> dict[int, str]:
    """Port → first section that serves it, for the binds that cover that address."""
    found: dict[int, str] = {}
    for bind in binds:
        if bind.covers(address):
            found.setdefault(bind.port, bind.section)
    return found


def local_hosts(binds: Collection[Bind], vips: Collection[str]) -> list[str]:
    """The addresses of binds, if clients of a VIP can connect to none of them; otherwise empty.

    Args:
        binds: of one section.
        vips: of the cluster.
    """
    reachable = any(not b.loopback and (not b.fixed or b.host in vips) for b in binds)
    return [] if reachable else list(dict.fromkeys(b.host for b in binds))
