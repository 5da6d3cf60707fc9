"""Rules of nftables that surely drop what is for the VIP."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hadeploy.check.nft_packet import answering, arriving, asking
from hadeploy.check.nft_rules import NftRuleset

CAPTURED = Path(__file__).parent / "captured"
VIP = "198.18.249.100"


def captured(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((CAPTURED / name).read_text())
    return found


def removals(ruleset: dict[str, Any], vip: str = VIP, *, iptables: bool = False) -> list[str]:
    rules = NftRuleset(ruleset, iptables=iptables)
    packets = (arriving(vip, 9443, "eth0"), answering(vip, 9443, "eth0"), asking(vip, "eth0"))
    return [rule.removal for packet in packets for rule in rules.dropping(packet)]


def test_what_a_killed_keepalived_with_vrrp_strict_leaves() -> None:
    ruleset = captured("nft-keepalived-strict.json")
    assert removals(ruleset, "198.18.249.99") == ["`nft delete table ip keepalived`"] * 2
    assert removals(ruleset) == []


def test_rules_of_every_family_and_hook_that_sees_the_vip() -> None:
    """One rule each; those of iptables and arptables are kept by nftables, too."""
    assert removals(captured("nft-1.0.6.json")) == [
        "`nft delete rule ip raw PREROUTING handle 2`",
        "`nft delete rule inet f pre handle 4`",
        "`nft delete rule netdev n ing handle 2`",
        "`nft delete rule arp a in handle 2`",
        "`nft delete rule arp filter INPUT handle 2`",
    ]
    ours = removals(captured("nft-1.0.6.json"), iptables=True)
    assert "`nft delete rule ip raw PREROUTING handle 2`" not in ours
    assert "`nft delete rule arp filter INPUT handle 2`" in ours


def ruleset(*rules: str, policy: str = "accept", **sets: list[Any]) -> dict[str, Any]:
    """A table with rules as lists of expressions: in `input`, or in `sub` after "sub:"."""
    at = {"family": "inet", "table": "t"}
    chains = [
        {**at, "name": "input", "type": "filter", "hook": "input", "policy": policy},
        {**at, "name": "sub"},
    ]
    entries: list[dict[str, Any]] = [{"chain": chain} for chain in chains]
    entries += [{"set": {**at, "name": name, "elem": elem}} for name, elem in sets.items()]
    for handle, text in enumerate(rules, 1):
        chain, _, expressions = text.rpartition(":::")
        expr = json.loads(f"[{expressions}]")
        entries.append({"rule": {**at, "chain": chain or "input", "handle": handle, "expr": expr}})
    return {"nftables": entries}


def match(left: str, right: str, op: str = "==") -> str:
    protocol, field = left.split()
    kind = {"meta": "meta", "ct": "ct"}.get(protocol)
    about = {"key": field} if kind else {"protocol": protocol, "field": field}
    left = json.dumps({kind or "payload": about})
    return f'{{"match": {{"op": "{op}", "left": {left}, "right": {right}}}}}'


DROP, ACCEPT, RETURN = '{"drop": null}', '{"accept": null}', '{"return": null}'
TO_VIP = match("ip daddr", f'"{VIP}"')
BY_MAP = (
    '{"vmap": {"key": {"payload": {"protocol": "ip", "field": "daddr"}}, '
    f'"data": {{"set": [["10.9.9.9", {ACCEPT}], ["{VIP}", {DROP}]]}}}}}}'
)
FROM = match("ip saddr", '"203.0.113.7"')


@pytest.mark.parametrize(
    ("rules", "dropped"),
    [
        ([f"{TO_VIP}, {DROP}"], True),
        ([f"{match('ip daddr', '[]')}, {DROP}"], False),
        ([f"{match('ip daddr', json.dumps(VIP), '!=')}, {DROP}"], False),
        ([f"{match('ip daddr', json.dumps('10.0.0.1'), '!=')}, {DROP}"], True),
        ([f"{match('tcp dport', '22', '!=')}, {DROP}"], True),
        ([f"{match('ip daddr', json.dumps('@vips'))}, {DROP}"], True),
        ([f"{match('ip daddr', json.dumps('@nowhere'))}, {DROP}"], False),
        # Accepted before, or perhaps.
        ([f"{match('tcp dport', '9443')}, {ACCEPT}", f"{TO_VIP}, {DROP}"], False),
        ([f"{FROM}, {ACCEPT}", f"{TO_VIP}, {DROP}"], False),
        ([f"{FROM}, {DROP}", f"{TO_VIP}, {DROP}"], True),
        ([f'{{"limit": {{"rate": 1}}}}, {ACCEPT}', f"{TO_VIP}, {DROP}"], False),
        # Established connections are not new ones.
        (
            [f"{match('ct state', json.dumps(['established']), 'in')}, {ACCEPT}", DROP],
            True,
        ),
        ([f'{TO_VIP}, {{"jump": {{"target": "sub"}}}}', f"sub:::{DROP}"], True),
        (['{"jump": {"target": "sub"}}', f"sub:::{TO_VIP}, {RETURN}", ACCEPT], False),
        (['{"goto": {"target": "sub"}}', DROP, f"sub:::{RETURN}"], False),
        (['{"jump": {"target": "input"}}'], False),
        ([BY_MAP], True),
        ([BY_MAP.replace(VIP, "10.0.0.1")], False),
        ([f'{TO_VIP}, {{"queue": {{"num": 1}}}}', DROP], False),
        ([f'{{"xt": {{"type": "match", "name": "set"}}}}, {DROP}'], False),
    ],
)
def test_only_certain_drops_are_reported(rules: list[str], dropped: bool) -> None:
    vips = [{"elem": {"val": VIP, "timeout": 9}}]
    assert bool(removals(ruleset(*rules, vips=vips))) is dropped


def test_a_policy_is_no_rule() -> None:
    assert removals(ruleset(policy="drop")) == []


def test_names_that_a_shell_would_read_are_not_pasted() -> None:
    text = json.dumps(ruleset(f"{TO_VIP}, {DROP}")).replace('"t"', '"t; reboot"')
    assert removals(json.loads(text)) == ["remove that rule"]


@pytest.mark.parametrize(
    "expression",
    [
        '{"match": 1}',
        '{"match": {"op": "==", "left": {"payload": 1}, "right": {"prefix": {}}}}',
        match("ip daddr", '{"prefix": {"addr": 1}}'),
        match("ip daddr", '{"range": [1]}'),
        match("ip daddr", '{"range": ["a", "b"]}'),
        match("tcp dport", '{"range": [1, "x"]}'),
        '{"vmap": {"key": 1, "data": [1]}}',
        '{"vmap": {"key": {"meta": {"key": "iifname"}}, "data": {"set": [[1]]}}}',
        '{"jump": 7}',
        "3",
    ],
)
def test_an_unparsable_rule_drops_nothing(expression: str) -> None:
    assert removals(ruleset(f"{expression}, {DROP}" if expression != "3" else "3")) == []
