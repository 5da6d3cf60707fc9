"""What `check` looks at is looked at again where a change could make it another answer."""

from __future__ import annotations

import dataclasses
from typing import Any, get_args

import pytest

from hadeploy.check.all_checks import CHECKS, IDS
from hadeploy.check.entry import Change
from hadeploy.check.needed import needed
from hadeploy.observe.host import Host
from hadeploy.plan.rolling import make_plan
from tests.unit import builders
from tests.unit.nodes import Node

ANEW = {"host-network", "selinux"}
TRAFFIC = {"connection-tracking", "ephemeral-ports", "firewall"}


def asked(observed: dict[str, Node], *skip: str, **inventory: Any) -> set[str]:
    cluster = builders.cluster(**inventory)
    plan = make_plan(cluster, builders.desired(cluster), observed)
    return set(needed(cluster, plan, observed, skip))


@pytest.mark.parametrize(
    ("inventory", "checks"),
    [
        ({}, set()),
        ({"listeners": [{"balance": "roundrobin"}]}, set()),
        ({"listeners": [{"maxconn": 100}]}, set()),
        ({"vrrp": {"check": {"rise": 3}}}, set()),
        ({"haproxy": {"maxconn": 20_000}}, {*ANEW, "nofile"}),
        ({"listeners": [{"port": 8443}]}, TRAFFIC),
        ({"listeners": [{"port": 443}]}, {*ANEW, *TRAFFIC, "nofile"}),
        ({"vip": "198.51.100.101"}, {*TRAFFIC, "vip-free"}),
        ({"vip": [builders.VIP, "198.51.100.101"]}, {*TRAFFIC, "vip-free"}),
        ({"vrrp": {"virtual_router_id": 77}}, {*TRAFFIC, "virtual-router-id"}),
        ({"vrrp": {"mode": "multicast"}}, TRAFFIC),
        ({"paths": {"root": "/srv/lb"}}, {*ANEW, "nofile"}),
        (
            {"images": {"haproxy": {"reference": "haproxy:9"}}},
            {*ANEW, "nofile", "disk-space"},
        ),
        (
            {"images": {"keepalived": {"reference": "keepalived:9"}}},
            {*ANEW, "disk-space"},
        ),
    ],
)
def test_a_change_runs_the_checks_that_it_may_fail(
    inventory: dict[str, Any], checks: set[str]
) -> None:
    assert asked(builders.healthy(builders.cluster()), **inventory) == checks
    assert checks <= set(IDS)


def test_what_was_asked_already_is_not_asked_again() -> None:
    thorough = {
        node: dataclasses.replace(look, host=Host(thorough=True))
        for node, look in builders.healthy(builders.cluster()).items()
    }
    assert asked(thorough, haproxy={"maxconn": 20_000}, vip="198.51.100.101") == set()


def test_a_check_that_is_left_out_needs_no_observation() -> None:
    observed = builders.healthy(builders.cluster())
    assert asked(observed, *TRAFFIC, listeners=[{"port": 8443}]) == set()


def test_every_kind_of_change_calls_for_a_check() -> None:
    assert {change for check in CHECKS for change in check.again_after} == set(get_args(Change))
