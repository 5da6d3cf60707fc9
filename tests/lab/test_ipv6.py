"""The same promises through an IPv6 VIP."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from tests.lab.harness import Cluster, eventually
from tests.lab.test_members import without
from tests.lab.traffic import probing


@pytest.fixture
def six(fresh: Cluster) -> Iterator[Cluster]:
    """A cluster whose VIP and VRRP speak IPv6; SSH and the API servers speak both."""
    if fresh.lab.vip6 is None:
        pytest.fail("this machine's kernel has no IPv6, which the lab's machines must have")
    fresh.inventory["vip"] = fresh.lab.vip6
    fresh.inventory["nodes"] = [
        {
            "name": node,
            "address": fresh.lab.address6(node),
            "ssh": {"host": fresh.lab.address(node)},
        }
        for node in fresh.lab.nodes
    ]
    fresh.up()
    yield fresh
    routes = {node: fresh.node(node, "ip -6 route show dev lo") for node in fresh.lab.nodes}
    fresh.ok("down", "--yes")
    assert not any(routes.values()), "a node that kept one would look for the VIP on itself"


def test_the_holder_is_recreated_without_a_failure(six: Cluster) -> None:
    (holder,) = six.holders(six.lab.vip6)
    six.inventory["haproxy"] = {"maxconn": 900}
    with probing(six, six.lab.vip6) as probe:
        document = six.up()
    assert probe.failed == []
    assert probe.done > 100
    steps = {step["action"] for node in document["plan"] for step in node["steps"]}
    assert {"handover", "recreate-container", "finish-handover"} <= steps
    assert six.holders(six.lab.vip6) != [holder]
    assert six.up()["changes"] == 0


@pytest.mark.exhaustive
def test_a_setting_of_all_nodes_changes_without_a_failure(six: Cluster) -> None:
    holders = six.holders(six.lab.vip6)
    six.inventory["vrrp"] = {"virtual_router_id": 77}
    with probing(six, six.lab.vip6) as probe:
        document = six.up()
    assert document["together"] == ["virtual_router_id"]
    assert probe.failed == []
    assert probe.done > 100
    assert six.holders(six.lab.vip6) == holders
    assert six.up()["changes"] == 0


@contextlib.contextmanager
def forwarding(cluster: Cluster) -> Iterator[None]:
    """The nodes forward IPv6, as those of a Kubernetes cluster with IPv6 do."""
    switch = "/proc/sys/net/ipv6/conf/eth0/forwarding"
    try:
        for node in cluster.lab.nodes:
            cluster.node(node, f"echo 1 >{switch}")
        yield
    finally:
        for node in cluster.lab.nodes:
            cluster.node(node, f"echo 0 >{switch}")


def test_strangers_find_the_vip_while_all_nodes_change(six: Cluster) -> None:
    six.inventory["vrrp"] = {"virtual_router_id": 78, "advert_interval": 2}
    with forwarding(six), probing(six, six.lab.vip6, stranger=True) as probe:
        six.up()
    assert probe.failed == []
    assert probe.done > 100
    assert six.up()["changes"] == 0
    (holder,) = six.holders(six.lab.vip6)
    left = "ip -6 neigh show proxy; grep -v 0 /proc/sys/net/ipv6/conf/eth0/proxy_ndp"
    eventually(lambda: not six.node(holder, left, check=False), "nothing of it is left")


def test_a_machine_that_has_the_vip_too_is_seen_from_every_node(six: Cluster) -> None:
    (holder,) = six.holders(six.lab.vip6)
    other = next(node for node in six.lab.nodes if node != holder)
    nodes = list(six.inventory["nodes"])
    without(six, other)
    six.ok("up", "--prune")
    mac = six.node(other, "cat /sys/class/net/eth0/address")
    six.node(other, f"ip address add {six.lab.vip6}/128 dev eth0 nodad")
    try:
        verify = six.run("verify", "--timeout", "0", "--json")
        # Where the other machine answers first, the VIP does not accept connections either.
        assert (None, "vip-held-once") in verify.failures()
        found = verify.document["diagnosis"]
        diagnosis = next(d for d in found if d["cause"] == "vip-stranger")
        assert mac in diagnosis["message"]
        left = [node["name"] for node in six.inventory["nodes"]]
        assert all(node in diagnosis["evidence"][0] for node in left)
    finally:
        six.node(other, f"ip address del {six.lab.vip6}/128 dev eth0")
        six.inventory["nodes"] = nodes
