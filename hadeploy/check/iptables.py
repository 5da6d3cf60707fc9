"""What iptables would do with a packet, as far as `iptables-save` tells. Pure."""

from __future__ import annotations

import ipaddress
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

# None: it cannot be told.
Fate = Literal["accept", "drop"] | None

# The end of a chain, or on to the next rule.
Way = Literal["end", "on"]

DEEPEST = 16
GO_ON = ("", "LOG", "NFLOG", "MARK", "CONNMARK")
PROTOCOLS = {"112": {"112", "vrrp"}, "tcp": {"tcp", "6"}}


@dataclass(frozen=True)
class Packet:
    """The first packet of something that comes in, or leaves.

    Attributes:
        protocol: "112" or "tcp".
        source: its address, or "" for anybody's.
        destination: where it goes; one of the node's own addresses, unless it leaves.
        port: where it goes, or None.
        interface: where it comes in, or leaves.
        leaving: whether it comes from the node itself.
    """

    protocol: str
    source: str
    destination: str
    port: int | None
    interface: str
    leaving: bool = False

    @property
    def chain(self) -> str:
        """The built-in chain that sees it."""
        return "OUTPUT" if self.leaving else "INPUT"


@dataclass
class Filter:
    """The table `filter`.

    Attributes:
        policies: chain → policy, of the built-in ones.
        rules: chain → its rules as words.
    """

    policies: dict[str, str] = field(default_factory=dict)
    rules: dict[str, list[list[str]]] = field(default_factory=dict)

    def fate(self, packet: Packet) -> Fate:
        """What happens to a packet that is for the node itself, or from it."""
        told = self._walk(packet.chain, packet, 0)
        if told == "end":
            return self._policy(packet)
        return None if told == "on" else told

    def _walk(self, chain: str, packet: Packet, depth: int, first: int = 0) -> Fate | Way:
        if depth > DEEPEST:
            return None
        for number, rule in enumerate(self.rules.get(chain, [])[first:], first):
            applies, target = matched(rule, packet)
            if applies is False:
                continue
            told = self._target(target, packet, depth)
            if told == "on" or applies:
                if told == "on":
                    continue
                return told
            # It may apply or not: what follows settles it only if it comes to the same.
            rest = self._walk(chain, packet, depth, number + 1)
            return told if told == rest else None
        return "end" if depth else self._policy(packet)

    def _policy(self, packet: Packet) -> Fate:
        return "drop" if self.policies.get(packet.chain) == "DROP" else "accept"

    def _target(self, target: str, packet: Packet, depth: int) -> Fate | Way:
        known: dict[str, Fate | Way] = {
            "ACCEPT": "accept",
            "DROP": "drop",
            "REJECT": "drop",
            "RETURN": "end",
        }
        if target in self.rules:
            told = self._walk(target, packet, depth + 1)
            return "on" if told == "end" else told
        return known.get(target, "on" if target in GO_ON else None)


def parse_filter(text: str) -> Filter:
    """`iptables-save -t filter`.

    Args:
        text: what it printed.
    """
    found = Filter()
    for line in text.splitlines():
        # A line that is cut off tells of no rule for sure.
        try:
            if line.startswith(":"):
                chain, policy, *_ = line[1:].split()
                found.rules[chain] = []
                found.policies[chain] = policy
            elif line.startswith("-A "):
                _, chain, *words = shlex.split(line)
                found.rules.setdefault(chain, []).append(words)
        except ValueError:
            continue
    return found


def matched(rule: Sequence[str], packet: Packet) -> tuple[bool | None, str]:
    """Whether a rule applies to a packet, None if that cannot be told, and its target.

    Args:
        rule: its words after the chain.
        packet: the packet.
    """
    target, applies, unsure, negated = "", True, False, False
    words = list(rule)
    while words:
        option = words.pop(0)
        if option == "!":
            negated = True
            continue
        values = []
        while words and words[0] != "!" and not words[0].startswith("-"):
            values.append(words.pop(0))
        if option in ("-j", "-g"):
            # What follows are options of the target.
            target = " ".join(values)
            break
        if option != "-m":
            holds = _one(option, " ".join(values), packet)
            applies = applies and holds is not negated
            unsure = unsure or holds is None
        negated = False
    return (None if unsure and applies else applies), target


def _one(option: str, value: str, packet: Packet) -> bool | None:
    """Whether one condition holds; None for one that we do not know."""
    conditions: dict[str, Callable[[], bool | None]] = {
        "-p": lambda: value == "all" or value in PROTOCOLS[packet.protocol],
        "-i": lambda: _is_interface(packet.interface, value),
        "-o": lambda: _is_interface(packet.interface, value),
        "-s": lambda: _in_network(packet.source, value),
        "-d": lambda: _in_network(packet.destination, value),
        "--dst-type": lambda: value == ("UNICAST" if packet.leaving else "LOCAL"),
        "--dport": lambda: _within(packet.port, value),
        "--dports": lambda: any(_within(packet.port, part) for part in value.split(",")),
        "--state": lambda: "NEW" in value.split(","),
        "--ctstate": lambda: "NEW" in value.split(","),
    }
    return conditions[option]() if option in conditions else None


def _is_interface(name: str, pattern: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith("+") else name == pattern


def _in_network(address: str, network: str) -> bool | None:
    if not address:
        return None
    return ipaddress.ip_address(address) in ipaddress.ip_network(network, strict=False)


def _within(port: int | None, part: str) -> bool:
    low, _, high = part.partition(":")
    if port is None or not low.isdigit() or (high and not high.isdigit()):
        return False
    return int(low) <= port <= int(high or low)
