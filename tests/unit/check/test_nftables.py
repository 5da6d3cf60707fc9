"""What nftables looks like it does to VRRP."""

from __future__ import annotations

import json

import pytest

from hadeploy.check.nftables import vrrp_dropped

# nft -j list ruleset, 1.0.6.
CHAIN = """{"chain": {"family": "inet", "table": "f", "name": "input", "handle": 1,
    "type": "filter", "hook": "input", "prio": 0, "policy": "%s"}}"""
RULE = """{"rule": {"family": "inet", "table": "f", "chain": "input", "handle": 2, "expr": [%s]}}"""
BY_NAME = """{"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "protocol"}},
    "right": "vrrp"}}"""
BY_META = """{"match": {"op": "==", "left": {"meta": {"key": "l4proto"}}, "right": "vrrp"}}"""
IN_SET = """{"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "protocol"}},
    "right": {"set": ["esp", "vrrp"]}}}"""
FROM = """{"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}},
    "right": "10.0.0.1"}}"""
ON = """{"match": {"op": "==", "left": {"meta": {"key": "iifname"}}, "right": "eth0"}}"""
COUNT = """{"counter": {"packets": 0, "bytes": 0}}"""
DROP = """{"drop": null}"""
ACCEPT = """{"accept": null}"""
REJECT = """{"reject": {"type": "icmpx", "expr": "port-unreachable"}}"""

RULE_DROPS = ["nftables (inet f input) has a rule that drops VRRP (protocol 112)"]
UNNAMED = ["nftables (inet f input) drops by default, and has no rule for VRRP (protocol 112)"]
CASES: list[tuple[str, str, list[list[str]], list[str]]] = [
    ("no rules", "accept", [], []),
    ("dropped by name", "accept", [[BY_NAME, DROP]], RULE_DROPS),
    ("rejected by meta", "accept", [[BY_META, COUNT, REJECT]], RULE_DROPS),
    ("in a set, on an interface", "accept", [[ON, IN_SET, COUNT, DROP]], RULE_DROPS),
    ("of some sources only", "accept", [[FROM, BY_NAME, DROP]], []),
    ("after the peers", "accept", [[FROM, BY_NAME, ACCEPT], [BY_NAME, DROP]], []),
    ("policy", "drop", [], UNNAMED),
    ("policy, but named", "drop", [[BY_NAME, ACCEPT]], []),
]


@pytest.mark.parametrize(
    ("policy", "rules", "reported"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_a_chain_that_looks_as_if_it_dropped_vrrp(
    policy: str, rules: list[list[str]], reported: list[str]
) -> None:
    entries = [CHAIN % policy, *(RULE % ", ".join(rule) for rule in rules)]
    ruleset = {"nftables": [json.loads(entry) for entry in entries]}
    assert list(vrrp_dropped(ruleset, "input", iptables=False)) == reported
    assert list(vrrp_dropped(ruleset, "output", iptables=False)) == []


def test_the_table_of_iptables_is_left_to_who_reads_it_better() -> None:
    table = json.dumps([json.loads(CHAIN % "drop")]).replace('"f"', '"filter"')
    ruleset = {"nftables": json.loads(table)}
    assert list(vrrp_dropped(ruleset, "input", iptables=True)) == []
    assert list(vrrp_dropped(ruleset, "input", iptables=False))


@pytest.mark.parametrize(
    "text",
    [
        '{"nftables": 7}',
        '{"nftables": [1, {"chain": 2}, {"rule": []}]}',
        '{"nftables": [{"chain": {"hook": "input"}}, {"rule": {"expr": 3}}]}',
        '{"nftables": [{"chain": {"hook": "input"}}, {"rule": {"expr": [{"match": 1}, 2]}}]}',
        '{"nftables": [{"chain": {"hook": "input"}}, {"rule": {"expr": [{"match": {"right": '
        '{"set": 1}}}]}}]}',
    ],
)
def test_unparsable_lines_are_left_out(text: str) -> None:
    assert list(vrrp_dropped(json.loads(text), "input", iptables=False)) == []
