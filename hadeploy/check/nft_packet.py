"""Packets as the rules of nftables look at them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# What is looked at: ("ip", "daddr"), ("meta", "iifname"), ("ct", "state"), ...
Key = tuple[str, ...]


@dataclass(frozen=True)
class NftPacket:
    """A packet.

    Attributes:
        families: of the tables that see it.
        hooks: where they see it.
        fields: what is known of it: the values of a field in every spelling of nft.
    """

    families: frozenset[str]
    hooks: frozenset[str]
    fields: Mapping[Key, tuple[str | int, ...]]


def arriving(vip: str, port: int, interface: str) -> NftPacket:
    """The first packet of a connection to a VIP that this node has."""
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
    """The first packet of a connection of the node itself to a VIP, on this node or another."""
    family, fields = _tcp(vip)
    fields |= {
        (family, "daddr"): (vip,),
        ("tcp", "dport"): (port,),
        ("ct", "state"): ("new",),
    }
    return NftPacket(frozenset({family, "inet"}), frozenset({"output"}), fields)


def answering(vip: str, port: int, interface: str) -> NftPacket:
    """The answer to that packet."""
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
    """The ARP request for a VIP that this node has."""
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
