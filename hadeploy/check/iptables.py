"""The fate of a packet by the rules of iptables, from `iptables-save`. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from hadeploy.check.ipset import Sets
from hadeploy.check.iptables_words import rule_words

# None: uncertain.
Fate = Literal["accept", "drop"] | None

# The end of a chain, or the next rule.
Way = Literal["end", "on"]

MAX_DEPTH = 16
GO_ON = ("", "LOG", "NFLOG", "MARK", "CONNMARK")
PROTOCOLS = {"112": {"112", "vrrp"}, "tcp": {"tcp", "6"}}


@dataclass(frozen=True)
class Packet:
    """An incoming or outgoing packet.

    Attributes:
        protocol: "112" or "tcp".
        source: its source address, or "" for any.
        destination: its destination address; of an incoming packet, an address of the node.
        port: the destination port, or None; of an answer, the source port.
        interface: the incoming or outgoing interface.
        leaving: whether it is outgoing.
        answer: whether it belongs to a connection that the node accepted.
    """

    protocol: str
    source: str
    destination: str
    port: int | None
    interface: str
    leaving: bool = False
    answer: bool = False

    @property
    def chain(self) -> str:
        """Its built-in chain in the table `filter`."""
        return "OUTPUT" if self.leaving else "INPUT"

    @property
    def path(self) -> tuple[tuple[str, str], ...]:
        """Its tables and built-in chains, in order; without nat, which drops nothing."""
        if self.leaving:
            return (
                ("raw", "OUTPUT"),
                ("mangle", "OUTPUT"),
                ("filter", "OUTPUT"),
                ("mangle", "POSTROUTING"),
            )
        return (
            ("raw", "PREROUTING"),
            ("mangle", "PREROUTING"),
            ("mangle", "INPUT"),
            ("filter", "INPUT"),
        )


@dataclass
class Filter:
    """A table of iptables.

    Attributes:
        policies: built-in chain → policy.
        rules: chain → its rules as words.
        sets: the sets that rules may refer to.
    """

    policies: dict[str, str] = field(default_factory=dict)
    rules: dict[str, list[list[str]]] = field(default_factory=dict)
    sets: Sets = field(default_factory=dict)

    def fate(self, packet: Packet, chain: str = "") -> Fate:
        """The fate of a packet in a built-in chain; default: INPUT or OUTPUT."""
        base = chain or packet.chain
        result = self._walk(base, packet, 0)
        if result == "end":
            return self._policy(base)
        return None if result == "on" else result

    def dropping(self, packet: Packet, chain: str) -> list[str] | None:
        """The rule that drops a packet, as its chain and words; None for a policy.

        Args:
            packet: a packet whose fate in that chain is "drop".
            chain: the built-in chain.
        """
        return self._dropping(packet, chain, 0)

    def _dropping(self, packet: Packet, chain: str, depth: int) -> list[str] | None:
        for rule in self.rules.get(chain, []) if depth <= MAX_DEPTH else ():
            applies, target = matched(rule, packet, self.sets)
            if applies and target in ("DROP", "REJECT"):
                return [chain, *rule]
            found = self._dropping(packet, target, depth + 1) if applies else None
            if found or (applies and target in ("ACCEPT", "RETURN")):
                return found
        return None

    def _walk(self, chain: str, packet: Packet, depth: int) -> Fate | Way:
        if depth > MAX_DEPTH:
            return None
        result: Fate | Way = "end" if depth else self._policy(chain)
        # The results of rules that may apply; the result is certain only if they are the same.
        possible: set[Fate | Way] = set()
        for rule in self.rules.get(chain, []):
            applies, target = matched(rule, packet, self.sets)
            next_result = self._target(target, packet, depth) if applies is not False else "on"
            if next_result == "on":
                continue
            if applies:
                result = next_result
                break
            possible.add(next_result)
        return result if possible <= {result} else None

    def _policy(self, chain: str) -> Fate:
        return "drop" if self.policies.get(chain) == "DROP" else "accept"

    def _target(self, target: str, packet: Packet, depth: int) -> Fate | Way:
        known: dict[str, Fate | Way] = {
            "ACCEPT": "accept",
            "DROP": "drop",
            "REJECT": "drop",
            "RETURN": "end",
        }
        if target in self.rules:
            result = self._walk(target, packet, depth + 1)
            return "on" if result == "end" else result
        return known.get(target, "on" if target in GO_ON else None)


def dropped_by(tables: Mapping[str, Filter], packet: Packet) -> tuple[str, list[str]] | None:
    """The table and the rule that certainly drop a packet; None for none, or for a policy."""
    for name, chain in packet.path:
        table = tables.get(name)
        if table and table.fate(packet, chain) == "drop":
            rule = table.dropping(packet, chain)
            return (name, rule) if rule else None
    return None


def drops(tables: Mapping[str, Filter], packet: Packet) -> bool:
    """Whether a table certainly drops a packet, by a rule or by a policy."""
    return any(
        tables[name].fate(packet, chain) == "drop" for name, chain in packet.path if name in tables
    )


def parse_tables(text: str, sets: Sets | None = None) -> dict[str, Filter]:
    """Parse the output of `iptables-save`: the tables by name.

    Args:
        text: the output.
        sets: from `parse_sets`.
    """
    found: dict[str, Filter] = {}
    name = "filter"
    for line in text.splitlines():
        if line.startswith("*"):
            name = line[1:].strip()
        table = found.setdefault(name, Filter(sets=sets or {}))
        # Skip a truncated line.
        try:
            if line.startswith(":"):
                chain, policy, *_ = line[1:].split()
                table.rules[chain] = []
                table.policies[chain] = policy
            elif line.startswith("-A "):
                _, chain, *words = rule_words(line)
                table.rules.setdefault(chain, []).append(words)
        except ValueError:
            continue
    return found


def parse_filter(text: str) -> Filter:
    """Parse the output of `iptables-save`: the table `filter`."""
    return parse_tables(text).get("filter", Filter())


def matched(
    rule: Sequence[str], packet: Packet, sets: Sets | None = None
) -> tuple[bool | None, str]:
    """Whether a rule applies to a packet (None if uncertain), and its target.

    Args:
        rule: its words after the chain.
        packet: the packet.
        sets: the sets that it may refer to.
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
            # The other words are options of the target.
            target = " ".join(values)
            break
        if option != "-m":
            holds = _one(option, " ".join(values), packet, sets or {})
            applies = applies and holds is not negated
            unsure = unsure or holds is None
        negated = False
    return (None if unsure and applies else applies), target


def _one(option: str, value: str, packet: Packet, sets: Sets) -> bool | None:
    """Whether one condition holds; None for an unknown condition."""
    state = "ESTABLISHED" if packet.answer else "NEW"
    conditions: dict[str, Callable[[], bool | None]] = {
        "-p": lambda: value == "all" or value in PROTOCOLS[packet.protocol],
        "-i": lambda: _is_interface(packet.interface, value),
        "-o": lambda: _is_interface(packet.interface, value),
        "-s": lambda: _in_network(packet.source, value),
        "-d": lambda: _in_network(packet.destination, value),
        "--dst-type": lambda: value == ("UNICAST" if packet.leaving else "LOCAL"),
        "--dport": lambda: None if packet.answer else _within(packet.port, value),
        "--dports": lambda: (
            None if packet.answer else any(_within(packet.port, part) for part in value.split(","))
        ),
        "--sport": lambda: _within(packet.port, value) if packet.answer else None,
        "--state": lambda: state in value.split(","),
        "--ctstate": lambda: state in value.split(","),
        "--match-set": lambda: _in_set(packet, value, sets),
        "--comment": lambda: True,
    }
    return conditions[option]() if option in conditions else None


def _in_set(packet: Packet, value: str, sets: Sets) -> bool | None:
    name, _, flags = value.partition(" ")
    networks = sets.get(name)
    address = {"dst": packet.destination, "src": packet.source}.get(flags)
    if networks is None or not address:
        return None
    return any(ipaddress.ip_address(address) in network for network in networks)


def _is_interface(name: str, pattern: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith("+") else name == pattern


def _in_network(address: str, network: str) -> bool | None:
    if not address:
        return None
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        # iptables also accepts non-contiguous masks.
        return None


def _within(port: int | None, part: str) -> bool:
    low, _, high = part.partition(":")
    if port is None or not low.isdigit() or (high and not high.isdigit()):
        return False
    return int(low) <= port <= int(high or low)
