"""An estimate whether nftables drops VRRP or ports. Pure.

It follows no jumps between chains, and ignores sets and maps.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Hook = Literal["input", "output"]
Rule = list[dict[str, Any]]

DROPS_UNNAMED = "drops by default, and has no rule for"
VRRP = "VRRP (protocol 112)"
_VRRP = ("vrrp", 112)
# A rule with these conditions still matches packets of the cluster.
_INTERFACES = ("iif", "iifname", "oif", "oifname")


@dataclass(frozen=True)
class Chain:
    """A chain for packets to or from the node.

    Attributes:
        where: its name, as in `nft list chain`.
        policy: the fate of packets without a rule.
        rules: its rules.
        table: the rules of its table.
    """

    where: str
    policy: str
    rules: list[Rule]
    table: list[Rule]

    def names(self, *words: str) -> bool:
        """Whether a rule of the table contains one of the words, or a verdict map."""
        text = json.dumps(self.table)
        return any(word in text for word in (*words, "verdict map", '"vmap"'))


def chains(ruleset: Mapping[str, Any], hook: Hook, *, iptables: bool) -> Iterator[Chain]:
    """The chains at a hook.

    Args:
        ruleset: `nft -j list ruleset`.
        hook: for incoming or outgoing packets.
        iptables: whether to omit the table of iptables, which is read separately.
    """
    rules = list(_of_kind(ruleset, "rule"))
    for chain in _of_kind(ruleset, "chain"):
        family, table, name = (chain.get(key) for key in ("family", "table", "name"))
        if chain.get("hook") != hook or (iptables and table == "filter"):
            continue
        here = [r for r in rules if (r.get("family"), r.get("table")) == (family, table)]
        yield Chain(
            f"nftables ({family} {table} {name})",
            chain.get("policy", "accept"),
            [_expression(r) for r in here if r.get("chain") == name],
            [_expression(r) for r in here],
        )


def _of_kind(ruleset: Mapping[str, Any], kind: str) -> Iterator[dict[str, Any]]:
    """The objects of a kind; invalid parts are ignored, because the rules come from a node."""
    entries = ruleset.get("nftables")
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get(kind), dict):
            yield entry[kind]


def _expression(rule: Mapping[str, Any]) -> Rule:
    parts = rule.get("expr")
    return [p for p in parts if isinstance(p, dict)] if isinstance(parts, list) else []


def vrrp_dropped(ruleset: Mapping[str, Any], hook: Hook, *, iptables: bool) -> Iterator[str]:
    """Chains that probably drop VRRP, as phrases.

    Args:
        ruleset: `nft -j list ruleset`.
        hook: for incoming or outgoing packets.
        iptables: whether to omit the table of iptables, which is read separately.
    """
    for chain in chains(ruleset, hook, iptables=iptables):
        if chain.policy == "drop" and not chain.names('"vrrp"', "112"):
            yield f"{chain.where} {DROPS_UNNAMED} {VRRP}"
        elif any(map(_drops_vrrp, chain.rules)) and not any(map(_accepts_vrrp, chain.table)):
            yield f"{chain.where} has a rule that drops {VRRP}"


def _drops_vrrp(rule: Rule) -> bool:
    matches = list(_matches(rule))
    return (
        any("drop" in part or "reject" in part for part in rule)
        and any(_is_vrrp(match) for match in matches)
        and all(_is_vrrp(match) or _is_interface(match) for match in matches)
    )


def _accepts_vrrp(rule: Rule) -> bool:
    named = any(map(_is_vrrp, _matches(rule)))
    return named and not any("drop" in part or "reject" in part for part in rule)


def _matches(rule: Rule) -> Iterator[dict[str, Any]]:
    return (part["match"] for part in rule if isinstance(part.get("match"), dict))


def _is_vrrp(match: Mapping[str, Any]) -> bool:
    left, right = match.get("left"), match.get("right")
    field = json.dumps(left)
    several = right.get("set") if isinstance(right, dict) else [right]
    values = several if isinstance(several, list) else []
    of_protocol = any(word in field for word in ('"protocol"}', '"l4proto"', '"nexthdr"'))
    return of_protocol and match.get("op") != "!=" and any(value in _VRRP for value in values)


def _is_interface(match: Mapping[str, Any]) -> bool:
    left = match.get("left")
    meta = left.get("meta") if isinstance(left, dict) else None
    return isinstance(meta, dict) and meta.get("key") in _INTERFACES
