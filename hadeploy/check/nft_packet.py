"""Packets, as rules of nftables match them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# A field of a packet: ("ip", "daddr"), ("meta", "iifname"), ("ct", "state"), ...
Key = tuple[str, ...]


@dataclass(frozen=True)
class NftPacket:
    """A packet.

    Attributes:
        families: the families of its tables.
        hooks: its hooks.
        fields: the known fields; each value in every spelling of nft.
    """

    families: frozenset[str]
    hooks: frozenset[str]
    fields: Mapping[Key, tuple[str | int, ...]]


def arriving(vip: str, port: int, interface: str) -> NftPacket:
    """The first packet of a connection to a VIP on this node."""
    family, fields = _tcp(vip)
    fields |= {
        (family, "daddr"): (vip,),
        ("tcp", "dport"): (port,),
        ("meta", "iifname"): (interface,),
        ("meta", "iif"): (interface,),
        ("ct", "state"): ("new",),
        ("fib", "type", "daddr"): ("local",),
    }
    families = frozenset({family, "inet", "netdev"})
    return NftPacket(families, frozenset({"ingress", "prerouting", "input"}), fields)


def leaving(vip: str, port: int) -> NftPacket:
    """The first packet of a connection from the node to a VIP, on this node or another."""
    family, fields = _tcp(vip)
    fields |= {
        (family, "daddr"): (vip,),
        ("tcp", "dport"): (port,),
        ("ct", "state"): ("new",),
    }
    return NftPacket(frozenset({family, "inet"}), frozenset({"output"}), fields)


def answering(vip: str, port: int, interface: str) -> NftPacket:
    """The answer to a connection to a VIP on this node."""
    family, fields = _tcp(vip)
    fields |= {
        (family, "saddr"): (vip,),
        ("tcp", "sport"): (port,),
        ("meta", "oifname"): (interface,),
        ("meta", "oif"): (interface,),
        ("ct", "state"): ("established",),
        ("fib", "type", "saddr"): ("local",),
    }
    families = frozenset({family, "inet", "netdev"})
    return NftPacket(families, frozenset({"output", "postrouting", "egress"}), fields)


def asking(vip: str, interface: str) -> NftPacket:
    """An ARP request for a VIP on this node."""
    fields: dict[Key, tuple[str | int, ...]] = {
        ("arp", "daddr ip"): (vip,),
        ("arp", "operation"): ("request", 1),
        ("arp", "htype"): (1,),
        ("arp", "hlen"): (6,),
        ("arp", "plen"): (4,),
        ("meta", "protocol"): ("arp",),
        ("meta", "iifname"): (interface,),
    }
    return NftPacket(frozenset({"arp", "netdev"}), frozenset({"input", "ingress"}), fields)


def _tcp(vip: str) -> tuple[str, dict[Key, tuple[str | int, ...]]]:
    six = ":" in vip
    family = "ip6" if six else "ip"
    return family, {
        ("meta", "l4proto"): ("tcp", 6),
        ("meta", "nfproto"): ("ipv6", 10) if six else ("ipv4", 2),
        ("meta", "protocol"): (family,),
        (family, "nexthdr" if six else "protocol"): ("tcp", 6),
    }
