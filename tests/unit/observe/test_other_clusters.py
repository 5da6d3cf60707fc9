"""Other clusters of hadeploy: their records are read strictly, and their claims compared."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from hadeploy.adopt.conflicts import shared_settings
from hadeploy.check.finding import CheckContext
from hadeploy.check.other_clusters import other_clusters
from hadeploy.desired.desired_node import configuration_id
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.observe.other_clusters import OtherCluster
from hadeploy.observe.other_records import parse_other_record
from hadeploy.plan.possible_holders import may_hold
from hadeploy.rollout.record import applied_record
from hadeploy.verify.other_keepaliveds import other_keepaliveds
from tests.unit import builders

OWN = {
    "name": "other",
    "vip": "198.51.100.110",
    "vrrp": {"virtual_router_id": 77},
    "listeners": [{"port": 9453}],
    "haproxy": {"health_port": 19453},
}

SIX = [{"name": f"n{i}", "address": f"2001:db8::1{i}"} for i in (1, 2, 3)]


def record(**changes: Any) -> bytes:
    """What is written for a cluster of that inventory."""
    cluster = builders.cluster(**{**OWN, **changes})
    desired = builders.desired(cluster)
    text = applied_record(cluster, desired["n1"], configuration_id(desired), interim=False)
    return text.encode()


def other(**changes: Any) -> OtherCluster:
    found = parse_other_record("/etc/hadeploy/other/applied.json", record(**changes))
    assert found is not None
    return found


def beside(one: OtherCluster, *, running: bool = True) -> ObservedNode:
    """A healthy node with that cluster on it."""
    look = builders.healthy(builders.cluster())["n1"]
    there = dataclasses.replace(look.containers[1], id="other", cluster=one.name)
    one = dataclasses.replace(one, containers=(there,))
    keepaliveds = {**look.keepaliveds, **({77: "other"} if running else {})}
    return dataclasses.replace(look, other_clusters=(one,), keepaliveds=keepaliveds)


def test_a_record_lists_what_its_cluster_uses() -> None:
    assert other() == OtherCluster(
        name="other",
        root="/etc/hadeploy/other",
        vips=("198.51.100.110",),
        virtual_router_id=77,
        interface="eth0",
        ports=(9453, 19453),
        container_names=("other-haproxy", "other-keepalived"),
    )


@pytest.mark.parametrize(
    "bent",
    [
        {"inventory": {"name": "x\x1b[31m"}},
        {"inventory": {"vrrp": {"virtual_router_id": "77"}}},
        {"inventory": {"vrrp": {"virtual_router_id": 256}}},
        {"inventory": {"listeners": [{"port": True}]}},
        {"vips": ["everywhere"]},
        {"vips": "198.51.100.110"},
        {"interface": "eth0; rm"},
    ],
)
def test_an_invalid_record_is_ignored(bent: dict[str, Any]) -> None:
    document = json.loads(record())
    document["inventory"] |= bent.pop("inventory", {})
    document |= bent
    assert parse_other_record("/x/applied.json", json.dumps(document).encode()) is None


def test_invalid_json_is_ignored() -> None:
    for content in (b"", b"[" * 100_000, b"\xff", b"null"):
        assert parse_other_record("/x/applied.json", content) is None


@pytest.mark.parametrize(
    ("changes", "shared"),
    [
        ({}, {}),
        ({"vip": builders.VIP}, {"vip": f"VIP {builders.VIP}"}),
        ({"vrrp": {}}, {"vrrp.virtual_router_id": "virtual_router_id 53"}),
        ({"vip": "2001:db8::9", "nodes": SIX, "vrrp": {"virtual_router_id": 53}}, {}),
        (
            {"vip": ["198.51.100.110", "2001:db8::9"], "nodes": SIX, "vrrp": {}},
            {},
        ),
        (
            {"vip": ["198.51.100.110", "2001:db8::9"], "vrrp": {}},
            {"vrrp.virtual_router_id": "virtual_router_id 53"},
        ),
        ({"listeners": [{"port": 9443}]}, {"listeners[].port": "port 9443"}),
        ({"haproxy": {}}, {"haproxy.health_port": "port 19443"}),
        ({"containers": {"haproxy": "c-haproxy"}}, {"containers": "container name c-haproxy"}),
    ],
)
def test_clusters_may_not_share(changes: dict[str, Any], shared: dict[str, str]) -> None:
    assert shared_settings(builders.cluster(), "eth0", other(**changes)) == shared


def test_router_ids_are_of_an_interface() -> None:
    assert shared_settings(builders.cluster(), "eth1", other(vrrp={})) == {}


@pytest.mark.parametrize(("containers", "verdict"), [(True, "fail"), (False, "warn")])
def test_a_record_alone_is_a_warning(containers: bool, verdict: str) -> None:
    look = beside(other(vip=builders.VIP))
    if not containers:
        alone = dataclasses.replace(look.other_clusters[0], containers=())
        look = dataclasses.replace(look, other_clusters=(alone,))
    cluster = builders.cluster()
    context = CheckContext(cluster, {"n1": look})
    (finding,) = other_clusters(context, cluster.nodes[0], look)
    assert finding.verdict == verdict
    assert finding.message.startswith(
        f"the hadeploy cluster other is also on this node, with the same VIP {builders.VIP}"
    )


def test_its_keepalived_is_named_as_that_and_is_no_fault_with_a_vip_of_its_own() -> None:
    (found,) = other_keepaliveds(builders.cluster(), "eth0", beside(other()))
    assert found.name == "the keepalived of the hadeploy cluster other"
    assert found.claims == ()
    (found,) = other_keepaliveds(builders.cluster(), "eth0", beside(other(vip=builders.VIP)))
    assert found.claims == (f"the VIP {builders.VIP}",)


def test_it_does_not_hold_a_vip_that_is_not_its_own() -> None:
    look = dataclasses.replace(beside(other()), keepaliveds={77: "other"})
    assert may_hold(look, builders.VIP) == []
    assert may_hold(look, "198.51.100.110") == ["other"]
