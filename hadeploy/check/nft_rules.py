"""The fate of a packet by the rules of nftables, from `nft -j list ruleset`. Pure.

The format is libnftables-json(5). It comes from a node: invalid parts are ignored.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from hadeploy.check.nft_packet import NftPacket
from hadeploy.check.nft_targets import sent_to

# None: uncertain. "send": redirected to another address; "end": the end of a chain; "on": the next
# rule.
RuleVerdict = Literal["accept", "drop", "send", "end", "on"] | None
ChainName = tuple[str, str, str]

_MAX_DEPTH = 16
_MAX_RULES = 20_000
_NEUTRAL = {"counter", "log", "mangle", "notrack", "comment"}
_PLAIN = re.compile(r"[\w./-]+")


@dataclass(frozen=True)
class NftRule:
    """A rule and its chain."""

    family: str
    table: str
    chain: str
    handle: int
    expressions: tuple[Mapping[str, Any], ...] = ()

    @property
    def where(self) -> str:
        """Its chain, for messages."""
        return f"nftables ({self.family} {self.table} {self.chain})"

    @property
    def removal(self) -> str:
        """The command that removes it; a table `keepalived` is removed as a whole."""
        names = (self.family, self.table, self.chain)
        if not all(map(_PLAIN.fullmatch, names)):
            return "remove that rule"
        if self.table == "keepalived":
            return f"`nft delete table {self.family} keepalived`"
        return f"`nft delete rule {' '.join(names)} handle {self.handle}`"


Outcome = tuple[RuleVerdict, NftRule | None]
_UNKNOWN: Outcome = (None, None)


class NftRuleset:
    """The rules of a node.

    Args:
        ruleset: `nft -j list ruleset`, or {}.
        iptables: whether to omit the tables of iptables, which are read separately.
    """

    def __init__(self, ruleset: Mapping[str, Any], *, iptables: bool) -> None:
        self._base: list[tuple[ChainName, str]] = []
        self._nat: list[tuple[ChainName, str]] = []
        self._rules: dict[ChainName, list[NftRule]] = {}
        self._sets: dict[ChainName, Any] = {}
        self._left = _MAX_RULES
        entries = ruleset.get("nftables")
        for entry in entries if isinstance(entries, list) else ():
            for kind, value in entry.items() if isinstance(entry, dict) else ():
                if isinstance(value, dict) and not (iptables and _of_iptables(value)):
                    self._add(kind, value)

    def _add(self, kind: str, value: Mapping[str, Any]) -> None:
        family, table = str(value.get("family")), str(value.get("table"))
        if kind == "chain" and value.get("type") in ("filter", "nat"):
            base = self._base if value["type"] == "filter" else self._nat
            base.append(((family, table, str(value.get("name"))), str(value.get("hook"))))
        elif kind in ("set", "map"):
            self._sets[family, table, str(value.get("name"))] = value.get("elem", [])
        elif kind == "rule":
            chain, handle, expressions = (value.get(k) for k in ("chain", "handle", "expr"))
            if isinstance(expressions, list) and isinstance(handle, int):
                parts = tuple(part for part in expressions if isinstance(part, dict))
                rule = NftRule(family, table, str(chain), handle, parts)
                self._rules.setdefault((family, table, str(chain)), []).append(rule)

    def dropping(self, packet: NftPacket) -> Iterator[NftRule]:
        """Rules that certainly drop a packet, without policies of chains."""
        for name, hook in self._base:
            if name[0] in packet.families and hook in packet.hooks:
                self._left = _MAX_RULES
                verdict, rule = self._walk(name, packet, 0)
                if verdict == "drop" and rule:
                    yield rule

    def redirecting(
        self, packet: NftPacket, port: int, own: Collection[str]
    ) -> Iterator[tuple[NftRule, str]]:
        """Rules that certainly redirect a connection away from haproxy, and their targets.

        Args:
            packet: the first packet of the connection.
            port: its destination port.
            own: addresses on which haproxy serves that port.
        """
        for name, hook in self._nat:
            if name[0] in packet.families and hook in packet.hooks:
                self._left = _MAX_RULES
                verdict, rule = self._walk(name, packet, 0)
                target = sent_to(rule.expressions) if verdict == "send" and rule else None
                if rule and target and not target.is_same(port, own):
                    yield rule, target.shown

    def _walk(self, name: ChainName, packet: NftPacket, depth: int) -> Outcome:
        result: Outcome = ("end", None)
        # The results of rules that may apply; the result is certain only if they are the same.
        possible: set[str | None] = set()
        for rule in self._rules.get(name, []):
            self._left -= 1
            if depth > _MAX_DEPTH or self._left < 0:
                return _UNKNOWN
            applies, outcome = self._rule(rule, packet, depth)
            if applies is False or outcome[0] == "on":
                continue
            if applies:
                result = outcome
                break
            possible.add(outcome[0])
        return result if possible <= {result[0]} else _UNKNOWN

    def _rule(self, rule: NftRule, packet: NftPacket, depth: int) -> tuple[bool | None, Outcome]:
        """Whether a rule applies, and its outcome."""
        applies: bool | None = True
        for part in rule.expressions:
            for kind, value in part.items():
                if kind == "match":
                    holds = self._match(rule, value, packet)
                    if holds is False:
                        return False, ("on", None)
                    applies = applies if holds else None
                elif kind == "vmap":
                    return applies, self._map(rule, value, packet, depth)
                elif (outcome := self._verdict(rule, kind, value, packet, depth)) is not None:
                    return applies, outcome
                elif kind not in _NEUTRAL:
                    applies = None
        return applies, ("on", None)

    def _verdict(
        self, rule: NftRule, kind: str, value: object, packet: NftPacket, depth: int
    ) -> Outcome | None:
        """The outcome of a statement; None if it is not a verdict."""
        plain: dict[str, Outcome] = {
            "drop": ("drop", rule),
            "reject": ("drop", rule),
            "accept": ("accept", None),
            "return": ("end", None),
            "continue": ("on", None),
            "queue": _UNKNOWN,
            "dnat": ("send", rule),
            "redirect": ("send", rule),
        }
        if kind in plain:
            return plain[kind]
        if kind not in ("jump", "goto") or not isinstance(value, dict):
            return None
        target = (rule.family, rule.table, str(value.get("target")))
        outcome = self._walk(target, packet, depth + 1)
        return ("on", None) if kind == "jump" and outcome[0] == "end" else outcome

    def _map(self, rule: NftRule, value: object, packet: NftPacket, depth: int) -> Outcome:
        """The outcome of a verdict map."""
        if not isinstance(value, dict):
            return _UNKNOWN
        known = _values(value.get("key"), packet)
        data = value.get("data")
        elements = data.get("set") if isinstance(data, dict) else self._named(rule, data)
        if known is None or not isinstance(elements, list):
            return _UNKNOWN
        for element in elements:
            if not isinstance(element, list) or len(element) != 2:
                return _UNKNOWN
            holds = self._contains(rule, element[0], known)
            if holds is None:
                return _UNKNOWN
            if holds and isinstance(element[1], dict):
                for kind, target in element[1].items():
                    return self._verdict(rule, kind, target, packet, depth) or _UNKNOWN
        return "on", None

    def _match(self, rule: NftRule, match: object, packet: NftPacket) -> bool | None:
        if not isinstance(match, dict) or match.get("op") not in ("==", "!=", "in"):
            return None
        known = _values(match.get("left"), packet)
        if known is None:
            return None
        holds = self._contains(rule, match.get("right"), known)
        return holds if holds is None or match["op"] != "!=" else not holds

    def _named(self, rule: NftRule, name: object) -> object:
        if not isinstance(name, str) or not name.startswith("@"):
            return None
        return self._sets.get((rule.family, rule.table, name[1:]))

    def _contains(self, rule: NftRule, right: Any, known: Sequence[Any]) -> bool | None:
        """Whether a value, a set, a prefix or a range contains one of the known values."""
        if isinstance(right, str) and right.startswith("@"):
            right = self._named(rule, right)
        if isinstance(right, dict) and "set" in right:
            right = right["set"]
        if isinstance(right, list):
            held = [self._contains(rule, element, known) for element in right]
            return True if True in held else None if None in held else False
        if isinstance(right, dict) and isinstance(right.get("elem"), dict):
            right = right["elem"].get("val")
        if isinstance(right, dict) and isinstance(right.get("concat"), list):
            parts = right["concat"]
            if len(parts) != len(known) or not all(isinstance(k, tuple) for k in known):
                return None
            held = [self._contains(rule, p, k) for p, k in zip(parts, known, strict=True)]
            return False if False in held else None if None in held else True
        if any(isinstance(k, tuple) for k in known):
            return None
        return _holds(right, known)


def _of_iptables(value: Mapping[str, Any]) -> bool:
    tables = ("filter", "raw", "mangle", "nat", "security")
    return value.get("family") in ("ip", "ip6") and value.get("table") in tables


def _values(left: object, packet: NftPacket) -> tuple[Any, ...] | None:
    """The known values of a field; for a concatenation, a tuple of them. None: unknown."""
    if not isinstance(left, dict) or len(left) != 1:
        return None
    ((kind, about),) = left.items()
    if kind == "concat" and isinstance(about, list):
        parts = tuple(_values(part, packet) for part in about)
        return None if None in parts else parts
    if not isinstance(about, dict):
        return None
    if kind == "payload":
        return packet.fields.get((str(about.get("protocol")), str(about.get("field"))))
    if kind == "fib":
        flags = about.get("flags")
        words = flags if isinstance(flags, list) else [flags]
        return packet.fields.get(("fib", str(about.get("result")), *map(str, words)))
    return packet.fields.get((kind, str(about.get("key"))))


def _holds(right: Any, known: Sequence[str | int]) -> bool | None:
    """Whether a value, a prefix or a range contains one of the known values."""
    if isinstance(right, (str, int)):
        return right in known
    try:
        if isinstance(right, dict) and isinstance(right.get("prefix"), dict):
            prefix = right["prefix"]
            network = ipaddress.ip_network(f"{prefix['addr']}/{prefix['len']}", strict=False)
            return any(ipaddress.ip_address(one) in network for one in known)
        if isinstance(right, dict) and isinstance(right.get("range"), list):
            low, high = right["range"]
            if isinstance(low, int):
                return any(low <= int(one) <= high for one in known)
            ends = [ipaddress.ip_address(end) for end in (low, high)]
            return any(_between(ends, ipaddress.ip_address(one)) for one in known)
    except (KeyError, TypeError, ValueError):
        return None
    return None


def _between(ends: Sequence[Any], address: Any) -> bool:
    return bool(ends[0] <= address <= ends[1])
