"""What nftables looks like it does to VRRP and to ports. Pure.

A hint, no more: rules are not followed from chain to chain, nor sets and maps looked into.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Hook = Literal["input", "output"]
Rule = list[dict[str, Any]]

DROPS_UNNAMED = "drops what it does not name, and does not name"
VRRP = "VRRP (protocol 112)"
_VRRP = ("vrrp", 112)
# What a rule may also look at without meaning other packets than those of the cluster.
_INTERFACES = ("iif", "iifname", "oif", "oifname")


@dataclass(frozen=True)
class Chain:
    """A chain that sees packets to the node, or from it.

    Attributes:
        where: as `nft list chain` names it.
        policy: what becomes of packets that no rule is for.
        rules: its own.
        table: those of its whole table.
    """

    where: str
    policy: str
    rules: list[Rule]
    table: list[Rule]

    def names(self, *words: str) -> bool:
        """Whether one of the words is in a rule of the table, or it decides by a map."""
        text = json.dumps(self.table)
        return any(word in text for word in (*words, "verdict map", '"vmap"'))


def chains(ruleset: Mapping[str, Any], hook: Hook, *, iptables: bool) -> Iterator[Chain]:
    """The chains at a hook.

    Args:
        ruleset: `nft -j list ruleset`.
        hook: for packets that come in, or that leave.
        iptables: whether the table of iptables itself is left out, being read elsewhere, where its
            rules are plain.
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
    """The rule set comes from a node: what makes no sense is left out."""
    entries = ruleset.get("nftables")
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get(kind), dict):
            yield entry[kind]


def _expression(rule: Mapping[str, Any]) -> Rule:
    parts = rule.get("expr")
    return [p for p in parts if isinstance(p, dict)] if isinstance(parts, list) else []


def vrrp_dropped(ruleset: Mapping[str, Any], hook: Hook, *, iptables: bool) -> Iterator[str]:
    """Chains that look as if they dropped VRRP, in words.

    Args:
        ruleset: `nft -j list ruleset`.
        hook: for packets that come in, or that leave.
        iptables: whether iptables' own table is left out.
    """
    for chain in chains(ruleset, hook, iptables=iptables):
        if chain.policy == "drop" and not chain.names('"vrrp"', "112"):
            yield f"{chain.where} {DROPS_UNNAMED} {VRRP}"
        elif any(map(_drops_vrrp, chain.rules)) and not any(map(_lets_vrrp_pass, chain.table)):
            yield f"{chain.where} has a rule that drops {VRRP}"


def _drops_vrrp(rule: Rule) -> bool:
    matches = list(_matches(rule))
    return (
        any("drop" in part or "reject" in part for part in rule)
        and any(_is_vrrp(match) for match in matches)
        and all(_is_vrrp(match) or _is_interface(match) for match in matches)
    )


def _lets_vrrp_pass(rule: Rule) -> bool:
    named = any(map(_is_vrrp, _matches(rule)))
    return named and not any("drop" in part or "reject" in part for part in rule)


def _matches(rule: Rule) -> Iterator[dict[str, Any]]:
    return (part["match"] for part in rule if isinstance(part.get("match"), dict))


def _is_vrrp(match: Mapping[str, Any]) -> bool:
    left, right = match.get("left"), match.get("right")
    looks_at = json.dumps(left)
    several = right.get("set") if isinstance(right, dict) else [right]
    values = several if isinstance(several, list) else []
    of_protocol = any(word in looks_at for word in ('"protocol"}', '"l4proto"', '"nexthdr"'))
    return of_protocol and match.get("op") != "!=" and any(value in _VRRP for value in values)


def _is_interface(match: Mapping[str, Any]) -> bool:
    left = match.get("left")
    meta = left.get("meta") if isinstance(left, dict) else None
    return isinstance(meta, dict) and meta.get("key") in _INTERFACES
