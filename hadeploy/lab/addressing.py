"""Which names and addresses a lab may have, and which ones it has; pure."""

from __future__ import annotations

import ipaddress
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from hadeploy.errors import ExitCode, HadeployError

DEFAULT_NAME = "lab"
DEFAULT_SUBNET = ipaddress.IPv4Network("198.51.100.0/24")
BENCHMARK_RANGE = ipaddress.IPv4Network("198.18.0.0/15")
# RFC 5737 and RFC 2544: nobody's addresses, so nothing that slips out can reach anybody.
ALLOWED_RANGES = (
    ipaddress.IPv4Network("192.0.2.0/24"),
    DEFAULT_SUBNET,
    ipaddress.IPv4Network("203.0.113.0/24"),
    BENCHMARK_RANGE,
)
MAX_NODES = 89
_CONTROLLER_HOST = 1
_FIRST_NODE_HOST = 11
_VIP_HOST = 100
# Interface names end at 15 characters, and "hl-" + name + "-n89" must fit.
_NAME = re.compile(r"[a-z][a-z0-9]{0,7}")


@dataclass(frozen=True)
class Endpoint:
    """One machine's addresses in the lab; `v6` is unused where the kernel has no IPv6."""

    v4: ipaddress.IPv4Interface
    v6: ipaddress.IPv6Interface

    @property
    def mac(self) -> str:
        """A locally administered hardware address that survives a power cycle, as a real one does.

        With a new one after each, everybody else's ARP cache would hide the node for a minute.
        """
        return "02:00:" + self.v4.ip.packed.hex(":")


@dataclass(frozen=True)
class Addressing:
    """All names and addresses of one lab; everything follows from name, subnet and node count."""

    name: str
    subnet: ipaddress.IPv4Network
    nodes: tuple[str, ...]

    @property
    def subnet6(self) -> ipaddress.IPv6Network:
        """The documentation /64 that carries the IPv4 network in its name."""
        high, low = divmod(int(self.subnet.network_address), 0x10000)
        return ipaddress.IPv6Network(f"2001:db8:{high:x}:{low:x}::/64")

    @property
    def controller(self) -> Endpoint:
        """The bridge's end: where this machine sits."""
        return self._endpoint(_CONTROLLER_HOST)

    @property
    def vip(self) -> Endpoint:
        """What the load balancer is meant to hold."""
        return self._endpoint(_VIP_HOST)

    def node(self, node: str) -> Endpoint:
        """The addresses of a node.

        Raises:
            HadeployError: there is no such node.
        """
        if node not in self.nodes:
            raise HadeployError(
                f"lab {self.name!r} has no node {node!r}",
                hint=f"its nodes are {', '.join(self.nodes)}",
                code=ExitCode.USAGE,
            )
        return self._endpoint(_FIRST_NODE_HOST + self.nodes.index(node))

    def _endpoint(self, host: int) -> Endpoint:
        # The last part is written alike in both families (.11 and ::11) to be read at a glance.
        v6 = self.subnet6.network_address + int(str(host), 16)
        return Endpoint(
            ipaddress.IPv4Interface((self.subnet.network_address + host, self.subnet.prefixlen)),
            ipaddress.IPv6Interface((v6, 64)),
        )

    @property
    def prefix(self) -> str:
        """What the names of this lab's interfaces, namespaces and cgroups begin with."""
        return f"hl-{self.name}"

    @property
    def bridge(self) -> str:
        """The bridge in this machine's own network namespace."""
        return self.prefix

    def scope(self, node: str) -> str:
        """The name of a node's network namespace and of this machine's end of its cable."""
        return f"{self.prefix}-{node}"

    @property
    def blackhole_metric(self) -> int:
        """Worse than any real route, and by its number this lab's own."""
        return 3_000_000_000 + zlib.crc32(self.name.encode()) % 1_000_000_000


def node_names(count: int) -> tuple[str, ...]:
    """n1, n2, … for a count of 1 to 89.

    Raises:
        HadeployError: the count is out of range.
    """
    if not 1 <= count <= MAX_NODES:
        raise HadeployError(f"a lab has 1 to {MAX_NODES} nodes, not {count}", code=ExitCode.USAGE)
    return tuple(f"n{i}" for i in range(1, count + 1))


def check_name(name: str) -> str:
    """Return the name if a lab may be called so.

    Raises:
        HadeployError: it may not.
    """
    if not _NAME.fullmatch(name):
        raise HadeployError(
            f"{name!r} cannot be a lab's name",
            hint="use 1 to 8 lower case letters and digits, beginning with a letter",
            code=ExitCode.USAGE,
        )
    return name


def default_subnet(name: str) -> ipaddress.IPv4Network:
    """The subnet a lab gets when none is asked for: by its name, so that it is always the same."""
    if name == DEFAULT_NAME:
        return DEFAULT_SUBNET
    index = zlib.crc32(name.encode()) % 512
    return ipaddress.IPv4Network((int(BENCHMARK_RANGE.network_address) + index * 256, 24))


def check_subnet(text: str) -> ipaddress.IPv4Network:
    """Parse a subnet that belongs to nobody and is large enough.

    Raises:
        HadeployError: it is not one.
    """
    try:
        subnet = ipaddress.IPv4Network(text)
    except ValueError as error:
        raise HadeployError(
            str(error), operation=f"reading the subnet {text!r}", code=ExitCode.USAGE
        ) from error
    if not any(subnet.subnet_of(allowed) for allowed in ALLOWED_RANGES):
        raise HadeployError(
            f"{subnet} may be in use elsewhere",
            operation="choosing the lab's subnet",
            hint="take it out of " + ", ".join(map(str, ALLOWED_RANGES)),
            code=ExitCode.USAGE,
        )
    if subnet.prefixlen > 25:
        raise HadeployError(
            f"{subnet} is too small: the VIP is its address number {_VIP_HOST}",
            operation="choosing the lab's subnet",
            code=ExitCode.USAGE,
        )
    return subnet


def check_free(
    subnet: ipaddress.IPv4Network, taken: Iterable[tuple[str, ipaddress.IPv4Network]]
) -> None:
    """Refuse a subnet that overlaps one in use on this machine.

    Args:
        subnet: what the lab wants.
        taken: who has what: pairs of an owner's name and its network.

    Raises:
        HadeployError: they overlap.
    """
    for owner, network in taken:
        if subnet.overlaps(network):
            raise HadeployError(
                f"{subnet} overlaps {network}, which {owner} uses",
                operation="choosing the lab's subnet",
                hint="give another one with --subnet, e.g. out of 198.18.0.0/15",
                code=ExitCode.USAGE,
            )
