"""The sets of ipset(8), which rules of iptables refer to. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
# By name; None for a set with other elements than addresses.
Sets = Mapping[str, "tuple[Network, ...] | None"]


def parse_sets(text: str) -> Sets:
    """Parse the output of `ipset save`."""
    found: dict[str, tuple[Network, ...] | None] = {}
    for line in text.splitlines():
        words = line.split()
        if words[:1] == ["create"] and len(words) > 2:
            plain = words[2] in ("hash:ip", "hash:net", "bitmap:ip")
            found[words[1]] = () if plain else None
        elif words[:1] == ["add"] and len(words) > 2:
            networks = found.get(words[1])
            try:
                network = ipaddress.ip_network(words[2], strict=False)
            except ValueError:
                # A range, or a truncated line.
                found[words[1]] = None
                continue
            if networks is not None and "nomatch" not in words:
                found[words[1]] = (*networks, network)
            else:
                found[words[1]] = None
    return found
