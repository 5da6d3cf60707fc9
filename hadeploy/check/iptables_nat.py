"""Redirections of connections to a VIP by the nat tables of iptables. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from hadeploy.check.iptables import GO_ON, MAX_DEPTH, Filter, Packet, matched

_PORTS = ("--to-ports", "--to-port")
_DESTINATION = "--to-destination"


@dataclass(frozen=True)
class Redirection:
    """A rule that certainly redirects connections.

    Attributes:
        rule: its chain and its words.
        target: the new address, port, or both.
    """

    rule: tuple[str, ...]
    target: str


def redirected(
    table: Filter, packet: Packet, chain: str, own: Collection[str]
) -> Redirection | None:
    """The rule that certainly redirects a connection away from haproxy.

    Args:
        table: the table nat.
        packet: the first packet of the connection.
        chain: PREROUTING, or OUTPUT for connections from the node.
        own: addresses on which haproxy serves the same port.
    """
    found = _walk(table, packet, chain, own, 0)
    return found if isinstance(found, Redirection) else None


def _walk(
    table: Filter, packet: Packet, chain: str, own: Collection[str], depth: int
) -> Redirection | bool:
    """A redirection, True if there is none or it is uncertain, False to continue."""
    for rule in table.rules.get(chain, []) if depth <= MAX_DEPTH else ():
        applies, target = matched(rule, packet, table.sets)
        if applies is False or target in GO_ON:
            continue
        if applies is None or target == "ACCEPT":
            return True
        if target == "RETURN":
            return False
        if target in ("DNAT", "REDIRECT"):
            where = _target(rule, packet, own)
            return Redirection((chain, *rule), where) if where else True
        found = _walk(table, packet, target, own, depth + 1) if target in table.rules else True
        if found:
            return found
    return depth > MAX_DEPTH


def _target(rule: Sequence[str], packet: Packet, own: Collection[str]) -> str:
    """The target of a rule; "" if haproxy still gets the connection."""
    values = {o: v for o, v in itertools.pairwise(rule) if o.startswith("--to")}
    if _DESTINATION not in values:
        port = next((values[option] for option in _PORTS if option in values), "")
        return "" if port in ("", str(packet.port)) else f"port {port}"
    where = values[_DESTINATION]
    if where.startswith("["):
        address, _, port = where[1:].partition("]")
        port = port.removeprefix(":")
    elif where.count(":") > 1:
        address, port = where, ""
    else:
        address, _, port = where.partition(":")
    same = address in (*own, packet.destination) and port in ("", str(packet.port))
    return "" if same else where
