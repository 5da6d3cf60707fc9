"""A loss for clients is reported for every kind of change."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from hadeploy.observe.applied import Applied
from hadeploy.observe.parse_record import parse_record
from hadeploy.plan.removed import removed
from hadeploy.plan.rolling import make_plan
from hadeploy.rollout.record import applied_record
from tests.unit import builders
from tests.unit.nodes import Node

VIP = builders.VIP
OTHER = "198.51.100.101"


def applied(**inventory: Any) -> dict[str, Node]:
    """Three nodes with the record of that inventory."""
    cluster = builders.cluster(**inventory)
    found = {}
    for node, look in builders.healthy(cluster).items():
        text = applied_record(cluster, builders.desired(cluster)[node], "id", interim=False)
        found[node] = dataclasses.replace(look, applied=parse_record(text.encode()))
    return found


def lost(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    cluster = builders.cluster(**after)
    desired = builders.desired(cluster)
    return list(removed(cluster, desired, applied(**before), ["n1", "n2", "n3"]))


OWN_SECTION = "listen other\n    bind *:7777,127.0.0.1:7778\n    server none 127.0.0.1:1"
TWO = [{"port": 9443}, {"name": "other", "port": 9444}]
APART = [{"port": 9443}, {"name": "other", "port": 9444, "backend_port": 7443}]


def listens(*binds: str) -> dict[str, Any]:
    """An inventory with a section of its own."""
    lines = [f"    bind {bind}" for bind in binds]
    text = "\n".join(["listen own", *lines, "    server none 127.0.0.1:1"])
    return {"templates": {"extra": {"defaults": text}}}


def gone(ports: str, name: str = "own", vip: str = VIP) -> str:
    several = "-" in ports
    return (
        f"Port{'s' if several else ''} {ports} of listener {name} {'are' if several else 'is'} "
        f"removed: connections to {vip}:{ports} will be refused."
    )


@pytest.mark.parametrize(
    ("before", "after", "sentences"),
    [
        ({}, {}, []),
        ({}, {"listeners": TWO}, []),
        ({}, {"listeners": [{"name": "renamed"}]}, []),
        ({}, {"vip": [VIP, OTHER]}, []),
        (
            {},
            {"listeners": [{"port": 8443}]},
            [
                "Port 9443 of listener kube-apiserver is removed: "
                f"connections to {VIP}:9443 will be refused."
            ],
        ),
        (
            {"listeners": TWO, "vip": [VIP, OTHER]},
            {"vip": [VIP, OTHER]},
            [
                "Port 9444 of listener other is removed: "
                f"connections to {VIP}:9444 or {OTHER}:9444 will be refused."
            ],
        ),
        (
            {"vip": [VIP, OTHER]},
            {},
            [f"VIP {OTHER} is removed: its clients will get no answer."],
        ),
        (
            {"listeners": APART},
            {"listeners": [{"port": 9444}, {"name": "other", "port": 9443, "backend_port": 7443}]},
            [
                "Port 9443 changes from listener kube-apiserver to listener other: "
                f"clients of {VIP}:9443 will reach other backends.",
                "Port 9444 changes from listener other to listener kube-apiserver: "
                f"clients of {VIP}:9444 will reach other backends.",
            ],
        ),
        (
            {"templates": {"extra": {"defaults": OWN_SECTION}}},
            {},
            [f"Port 7777 of listener other is removed: connections to {VIP}:7777 will be refused."],
        ),
        # Clients reach the same backends under every name of the listener.
        ({"listeners": TWO}, {"listeners": [{"port": 9444}, {"name": "other", "port": 9443}]}, []),
        (listens("*:7700-7702"), {}, [gone("7700-7702")]),
        (listens("*:7700-7702"), listens("*:7702-7704"), [gone("7700-7701")]),
        (listens(":7700,:7701", "ipv4@:7705"), {}, [gone("7700-7701"), gone("7705")]),
        (listens(f"{VIP}:7700"), {}, [gone("7700")]),
        (listens("*:7700"), listens("127.0.0.1:7700"), [gone("7700")]),
        (listens("[::]:7700 v4v6"), {}, [gone("7700")]),
        (listens("[::]:7700 v6only"), {}, []),
        # These are for no client of the VIP.
        (listens("127.0.0.1:7700,127.8.8.8:7701", "localhost:7702", "[::1]:7703"), {}, []),
        (listens("198.51.100.1:7700", "/tmp/own.sock", "unix@/tmp/other.sock"), {}, []),
        (
            {**listens(":::7700", "[::]:7701-7702"), "vip": "2001:db8::100"},
            {"vip": "2001:db8::100"},
            [gone("7700-7702", vip="[2001:db8::100]")],
        ),
        ({"haproxy": {"metrics": {"port": 8405, "address": "0.0.0.0"}}}, {}, []),
        (
            {"vip": "2001:db8::100"},
            {"vip": "2001:db8::100", "listeners": [{"port": 8443}]},
            [
                "Port 9443 of listener kube-apiserver is removed: "
                "connections to [2001:db8::100]:9443 will be refused."
            ],
        ),
    ],
)
def test_what_is_removed_is_named_with_its_users(
    before: dict[str, Any], after: dict[str, Any], sentences: list[str]
) -> None:
    assert lost(before, after) == sentences


def test_a_node_that_is_left_as_it_is_loses_nothing() -> None:
    cluster = builders.cluster(listeners=[{"port": 8443}])
    observed = applied(listeners=[{"port": 8443}]) | {"n3": applied()["n3"]}
    desired = builders.desired(cluster)
    assert make_plan(cluster, desired, observed, only=["n1"]).removes == ()
    assert len(make_plan(cluster, desired, observed, only=["n3"]).removes) == 1


def expected(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    cluster = builders.cluster(**after)
    plan = make_plan(cluster, builders.desired(cluster), applied(**before))
    assert plan.removes == ()
    return [sentence for sentence in plan.warnings if "Metrics" in sentence or "longer" in sentence]


def metrics(**given: Any) -> dict[str, Any]:
    return {"haproxy": {"metrics": given}}


STATISTICS = "listen page\n    mode http\n    bind *:8500\n    stats enable\n    stats uri /"


@pytest.mark.parametrize(
    ("before", "after", "sentences"),
    [
        (metrics(port=8405), {}, ["Metrics are removed from port 8405."]),
        (
            metrics(port=8405),
            metrics(port=8406),
            ["Metrics move from port 8405 to port 8406."],
        ),
        (
            metrics(address="0.0.0.0"),
            metrics(address="127.0.0.1"),
            ["Metrics on port 8404 move from every IPv4 address to 127.0.0.1."],
        ),
        (metrics(address="127.0.0.1"), metrics(address="0.0.0.0"), []),
        (
            {"templates": {"extra": {"defaults": STATISTICS}}},
            {},
            ["Metrics are removed from port 8500."],
        ),
    ],
)
def test_metrics_that_are_removed_or_move_are_reported_and_interrupt_no_client(
    before: dict[str, Any], after: dict[str, Any], sentences: list[str]
) -> None:
    assert expected(before, after) == sentences


def test_a_port_on_the_address_of_a_node_is_reported_as_local() -> None:
    assert expected(listens("198.51.100.1:7700", "127.0.0.1:7701"), {}) == [
        f"{node}: haproxy no longer listens on 198.51.100.1:7700 (listener own), an address of "
        "the node."
        for node in ("n1", "n2", "n3")
    ]
    assert expected(listens("198.51.100.1:7700"), listens("*:7700")) == []


def record(**changes: Any) -> Applied | None:
    cluster = builders.cluster()
    text = applied_record(cluster, builders.desired(cluster)["n1"], "id", interim=False)
    return parse_record(json.dumps(json.loads(text) | changes).encode())


@pytest.mark.parametrize(
    "changes",
    [
        {"vips": ["\x1b[31mred"]},
        {"vips": [1]},
        {"vips": "198.51.100.100"},
        {"inventory": {"listeners": [{"port": 70000}]}},
        {"inventory": {"listeners": [{"port": True}]}},
        {"inventory": {"listeners": [{"port": 9443, "name": "two\nlines"}]}},
        {"inventory": {"listeners": [9443]}},
        {"inventory": {"listeners": [], "haproxy": {"metrics": {"port": "x"}}}},
    ],
)
def test_a_record_that_hadeploy_has_not_written_is_none(changes: dict[str, Any]) -> None:
    assert record() is not None
    assert record(**changes) is None
