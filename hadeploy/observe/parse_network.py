"""Addresses and sockets of a node, as `ip` and `ss` print them. Pure."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping

from hadeploy.observe.observed_node import (
    Address,
    Owner,
    Socket,
)
from hadeploy.observe.parse_haproxy import number

# `ip -j address` prints this for an unlimited lifetime.
_FOR_EVER = 2**32 - 1


def parse_addresses(as_json: str, as_text: str) -> tuple[Address, ...]:
    """Parse `ip -j address show`, or `ip -o address show` of an ip without JSON."""
    if as_json.startswith("["):
        return tuple(
            _address(
                link["ifname"],
                info["local"],
                info["prefixlen"],
                _lifetime(info.get("valid_life_time", _FOR_EVER)),
            )
            for link in json.loads(as_json)
            for info in link.get("addr_info", [])
            if "local" in info
        )
    found = []
    for line in as_text.splitlines():
        match = re.match(r"\d+: +([^ ]+) +inet6? ([0-9a-fA-F.:]+)(?: peer \S+?)?/?(\d+)?", line)
        if match:
            interface, address, prefix = match.groups()
            full = 128 if ":" in address else 32
            left = re.search(r" valid_lft (\d+)sec", line)
            lifetime = int(left[1]) if left else None
            name = interface.partition("@")[0]
            found.append(_address(name, address, prefix or full, lifetime))
    return tuple(found)


def _address(interface: str, address: str, prefix: str | int, lifetime: int | None) -> Address:
    ipaddress.ip_interface(f"{address}/{prefix}")
    return Address(str(interface), address, int(prefix), lifetime)


def _lifetime(seconds: int) -> int | None:
    return int(seconds) if 0 <= seconds < _FOR_EVER else None


def parse_sockets(text: str, containers: Mapping[int, str]) -> tuple[Socket, ...]:
    """Parse `ss -Hltnp`.

    Args:
        text: its output.
        containers: pid → container id, or "" for a process of the node itself.
    """
    found = []
    for line in text.splitlines():
        columns = line.split(None, 5)
        if len(columns) < 5 or columns[0] != "LISTEN":
            continue
        address, _, port = columns[3].rpartition(":")
        address, _, interface = address.replace("[", "").replace("]", "").partition("%")
        users = columns[5] if len(columns) > 5 else ""
        owners = re.findall(r'\("([^"]*)",pid=(\d+)', users)
        found.append(
            Socket(
                f"{address}%{interface}" if interface == "lo" else address,
                int(port),
                tuple(
                    sorted({Owner(n, int(pid), containers.get(int(pid), "")) for n, pid in owners})
                ),
                number(columns[1]) or 0,
                number(columns[2]) or 0,
            )
        )
    return tuple(found)
