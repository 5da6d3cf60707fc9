"""Many nodes on one machine: each has its own network, processes and sshd, but no Docker engine.

Otherwise they are like the nodes of a lab, and are removed in the same way, also after a crash.
"""

from __future__ import annotations

import io
import ipaddress
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML

from hadeploy.errors import ExitCode, HadeployError
from hadeploy.lab import network, ssh
from hadeploy.lab.addressing import (
    BENCHMARK_RANGE,
    Addressing,
    Endpoint,
    check_name,
    default_subnet,
)
from hadeploy.lab.identity import MachineAccounts, node_files
from hadeploy.lab.lab import Lab
from hadeploy.lab.node import Node
from hadeploy.lab.requirements import check_machine
from hadeploy.lab.state import StateFolder, locked, state_root
from hadeploy.lab.waiting import wait_until

MOST = 150
_FIRST_HOST = 101
_BOOT_SECONDS = 60.0
_AT_ONCE = 4


@dataclass(frozen=True)
class CrowdAddressing(Addressing):
    """Names and addresses like those of a lab, for more nodes."""

    def node(self, node: str) -> Endpoint:
        """The addresses of a node."""
        host = _FIRST_HOST + self.nodes.index(node)
        v4 = ipaddress.IPv4Interface((self.subnet.network_address + host, self.subnet.prefixlen))
        v6 = ipaddress.IPv6Interface((self.subnet6.network_address + int(str(host), 16), 64))
        return Endpoint(v4, v6)


class CrowdNode(Node):
    """A node without a Docker engine."""

    @property
    def dockerd(self) -> tuple[str, ...]:
        """A command that does nothing."""
        return ("true",)


@dataclass(frozen=True)
class Crowd:
    """Running nodes.

    Attributes:
        addressing: their names and addresses.
        state: the folder with the key, the host keys and the ssh configuration.
    """

    addressing: CrowdAddressing
    state: StateFolder

    def inventory(self, count: int) -> str:
        """An inventory of the first `count` nodes."""
        nodes = [
            {"name": node, "address": str(self.addressing.node(node).v4.ip)}
            for node in self.addressing.nodes[:count]
        ]
        inventory = {
            "vip": str(self.addressing.vip.v4.ip),
            "nodes": nodes,
            "ssh": {
                "user": "root",
                "identity_file": str(self.state.key),
                "known_hosts": str(self.state.known_hosts),
            },
        }
        text = io.StringIO()
        YAML(typ="safe", pure=True).dump(inventory, text)
        return text.getvalue()


@contextmanager
def crowd(name: str, count: int, tell: Callable[[str], None]) -> Iterator[Crowd]:
    """Nodes for the duration of the block; the remains of a killed run are removed first.

    Args:
        name: of the bridge, the namespaces and the folder; not the name of a lab.
        count: the number of nodes.
        tell: receives the current work.

    Raises:
        HadeployError: the machine does not meet the requirements, or a node did not start.
    """
    if not 1 <= count <= MOST:
        raise HadeployError(f"must be 1 to {MOST} nodes, not {count}", code=ExitCode.USAGE)
    check_machine()
    Lab.remove(check_name(name))
    nodes = tuple(f"n{i}" for i in range(1, count + 1))
    try:
        tell(f"starting {count} nodes")
        yield _set_up(name, nodes)
    finally:
        tell(f"removing {count} nodes")
        Lab.remove(name)


def free_subnet(
    name: str, taken: Sequence[tuple[str, ipaddress.IPv4Network]]
) -> ipaddress.IPv4Network:
    """The first unused subnet, starting with the default subnet of a lab of that name. Pure.

    Args:
        name: of the nodes' bridge.
        taken: pairs of an owner and its network.

    Raises:
        HadeployError: all are in use.
    """
    every = list(BENCHMARK_RANGE.subnets(new_prefix=24))
    first = every.index(default_subnet(name)) if default_subnet(name) in every else 0
    for subnet in every[first:] + every[:first]:
        if not any(subnet.overlaps(network) for _, network in taken):
            return subnet
    raise HadeployError(f"all of {BENCHMARK_RANGE} is in use", operation="choosing a subnet")


def _set_up(name: str, nodes: tuple[str, ...]) -> Crowd:
    state = StateFolder(state_root() / name)
    with locked(state_root(), operation=f"starting the nodes of {name}"):
        taken = network.networks_in_use(CrowdAddressing(name, default_subnet(name), nodes))
        addressing = CrowdAddressing(name, free_subnet(name, taken), nodes)
        state.folder.mkdir(mode=0o700, parents=True)
        network.bridge_up(addressing, ipv6=False)
    public = ssh.ensure_key(state.key, addressing.name)
    accounts = MachineAccounts(
        *(Path(f"/etc/{file}").read_text() for file in ("passwd", "shadow", "group"))
    )

    def start(name: str) -> tuple[CrowdNode, str]:
        node = CrowdNode(name, addressing, state.node(name), ipv6=False)
        key = node.folder / "ssh_host_ed25519_key"
        host_key = ssh.ensure_key(key, name)
        network.plug_in(addressing, name, ipv6=False)
        files = node_files(
            addressing,
            name,
            accounts=accounts,
            host_key=key.read_text(),
            authorized_key=public,
            machine_id=f"{addressing.nodes.index(name):032x}",
            ipv6=False,
        )
        node.disk.create(files)
        node.boot()
        return node, host_key

    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        started = list(pool.map(start, addressing.nodes))
    host_keys = {node.name: host_key for node, host_key in started}
    ssh.write_client_files(addressing, state, host_keys, ipv6=False)
    for node, _ in started:
        wait_until(node.ssh_answers, what="its SSH daemon", timeout=_BOOT_SECONDS, node=node.name)
    return Crowd(addressing, state)
