"""What clients lose is said as that, whatever change it comes from."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from hadeploy.observe.model import Applied, ObservedNode
from hadeploy.observe.parse_record import parse_record
from hadeploy.plan.removed import removed
from hadeploy.plan.rolling import make_plan
from hadeploy.run.record import applied_record
from tests.unit import builders

VIP = builders.VIP
OTHER = "198.51.100.101"


def applied(**inventory: Any) -> dict[str, ObservedNode]:
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
                "Port 9443 of listener kube-apiserver goes away: "
                f"clients that use {VIP}:9443 are refused."
            ],
        ),
        (
            {"listeners": TWO, "vip": [VIP, OTHER]},
            {"vip": [VIP, OTHER]},
            [
                "Port 9444 of listener other goes away: "
                f"clients that use {VIP}:9444 or {OTHER}:9444 are refused."
            ],
        ),
        (
            {"vip": [VIP, OTHER]},
            {},
            [f"VIP {OTHER} goes away: clients that use it are refused or get no answer."],
        ),
        (
            {"listeners": TWO},
            {"listeners": [{"port": 9444}, {"name": "other", "port": 9443}]},
            [
                "Port 9443 goes from listener kube-apiserver to listener other: "
                f"clients that use {VIP}:9443 reach other backends.",
                "Port 9444 goes from listener other to listener kube-apiserver: "
                f"clients that use {VIP}:9444 reach other backends.",
            ],
        ),
        (
            {"templates": {"extra": {"defaults": OWN_SECTION}}},
            {},
            [f"Port 7777 of listener other goes away: clients that use {VIP}:7777 are refused."],
        ),
        ({"haproxy": {"metrics": {"port": 8405, "address": "0.0.0.0"}}}, {}, []),
        (
            {"vip": "2001:db8::100"},
            {"vip": "2001:db8::100", "listeners": [{"port": 8443}]},
            [
                "Port 9443 of listener kube-apiserver goes away: "
                "clients that use [2001:db8::100]:9443 are refused."
            ],
        ),
    ],
)
def test_what_goes_away_is_named_with_who_used_it(
    before: dict[str, Any], after: dict[str, Any], sentences: list[str]
) -> None:
    assert lost(before, after) == sentences


def test_a_node_that_is_left_as_it_is_loses_nothing() -> None:
    cluster = builders.cluster(listeners=[{"port": 8443}])
    observed = applied(listeners=[{"port": 8443}]) | {"n3": applied()["n3"]}
    desired = builders.desired(cluster)
    assert make_plan(cluster, desired, observed, only=["n1"]).removes == ()
    assert len(make_plan(cluster, desired, observed, only=["n3"]).removes) == 1


def test_metrics_that_go_away_are_told_and_are_no_clients_loss() -> None:
    observed = applied(haproxy={"metrics": {"port": 8405}})
    cluster = builders.cluster()
    plan = make_plan(cluster, builders.desired(cluster), observed)
    assert "Metrics are no longer served on port 8405." in plan.expects
    assert plan.removes == ()


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
