"""The names and addresses of a lab. Pure."""

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
# RFC 5737 and RFC 2544: no host on the Internet has these addresses.
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
# An interface name has at most 15 characters, including "hl-" and "-n89".
_NAME = re.compile(r"[a-z][a-z0-9]{0,7}")


@dataclass(frozen=True)
class Endpoint:
    """The addresses of one machine in the lab; `v6` is unused if the kernel has no IPv6."""

    v4: ipaddress.IPv4Interface
    v6: ipaddress.IPv6Interface

    @property
    def mac(self) -> str:
        """A locally administered hardware address, constant across power cycles like a real one.

        With a new one, the ARP caches of other nodes would hide the node for a minute.
        """
        return "02:00:" + self.v4.ip.packed.hex(":")


@dataclass(frozen=True)
class Addressing:
    """All names and addresses of one lab, derived from its name, subnet and nodes."""

    name: str
    subnet: ipaddress.IPv4Network
    nodes: tuple[str, ...]

    @property
    def subnet6(self) -> ipaddress.IPv6Network:
        """A /64 of the documentation range, derived from the IPv4 network."""
        high, low = divmod(int(self.subnet.network_address), 0x10000)
        return ipaddress.IPv6Network(f"2001:db8:{high:x}:{low:x}::/64")

    @property
    def controller(self) -> Endpoint:
        """The address of this machine, on the bridge."""
        return self._endpoint(_CONTROLLER_HOST)

    @property
    def vip(self) -> Endpoint:
        """The VIP for the load balancer."""
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
        # The last part is the same text in both families (.11 and ::11).
        v6 = self.subnet6.network_address + int(str(host), 16)
        return Endpoint(
            ipaddress.IPv4Interface((self.subnet.network_address + host, self.subnet.prefixlen)),
            ipaddress.IPv6Interface((v6, 64)),
        )

    @property
    def prefix(self) -> str:
        """The prefix of this lab's interfaces, namespaces and cgroups."""
        return f"hl-{self.name}"

    @property
    def bridge(self) -> str:
        """The name of the bridge in this machine's network namespace."""
        return self.prefix

    def scope(self, node: str) -> str:
        """The name of a node's network namespace and of this machine's end of its veth pair."""
        return f"{self.prefix}-{node}"

    @property
    def blackhole_metric(self) -> int:
        """A metric that is worse than any real route and identifies this lab."""
        return 3_000_000_000 + zlib.crc32(self.name.encode()) % 1_000_000_000


def node_names(count: int) -> tuple[str, ...]:
    """The names n1, n2, … for a count of 1 to 89.

    Raises:
        HadeployError: the count is out of range.
    """
    if not 1 <= count <= MAX_NODES:
        raise HadeployError(f"a lab has 1 to {MAX_NODES} nodes, not {count}", code=ExitCode.USAGE)
    return tuple(f"n{i}" for i in range(1, count + 1))


def check_name(name: str) -> str:
    """Return a valid name of a lab.

    Raises:
        HadeployError: the name is invalid.
    """
    if not _NAME.fullmatch(name):
        raise HadeployError(
            f"{name!r} is not a valid name of a lab",
            hint="use 1 to 8 lower case letters and digits, with a letter first",
            code=ExitCode.USAGE,
        )
    return name


def default_subnet(name: str) -> ipaddress.IPv4Network:
    """The default subnet of a lab, derived from its name."""
    if name == DEFAULT_NAME:
        return DEFAULT_SUBNET
    index = zlib.crc32(name.encode()) % 512
    return ipaddress.IPv4Network((int(BENCHMARK_RANGE.network_address) + index * 256, 24))


def check_subnet(text: str) -> ipaddress.IPv4Network:
    """Parse a subnet, which must be in a reserved range and large enough.

    Raises:
        HadeployError: it is not.
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
            hint="use a subnet of " + ", ".join(map(str, ALLOWED_RANGES)),
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
        subnet: of the lab.
        taken: pairs of an owner and its network.

    Raises:
        HadeployError: they overlap.
    """
    for owner, network in taken:
        if subnet.overlaps(network):
            raise HadeployError(
                f"{subnet} overlaps {network}, which {owner} uses",
                operation="choosing the lab's subnet",
                hint="specify another one with --subnet, for example in 198.18.0.0/15",
                code=ExitCode.USAGE,
            )
