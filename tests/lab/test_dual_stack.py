"""One cluster with a VIP of each address family."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from hadeploy.lab import by_hand as classic
from tests.lab.harness import ROOT, Cluster, eventually
from tests.lab.test_members import without
from tests.lab.traffic import Probe, probing


@pytest.fixture
def both(fresh: Cluster) -> Iterator[Cluster]:
    """A cluster with both VIPs; the nodes are named by their IPv4 addresses."""
    fresh.inventory["vip"] = [fresh.lab.vip, vip6(fresh)]
    fresh.up()
    yield fresh
    fresh.ok("down", "--yes")
    assert fresh.holders(vip6(fresh)) == []


def vip6(cluster: Cluster) -> str:
    """The IPv6 VIP."""
    if cluster.lab.vip6 is None:
        pytest.fail("this machine's kernel has no IPv6, which the lab's machines must have")
    return cluster.lab.vip6


def holder_of_both(cluster: Cluster) -> str:
    """The node that has both VIPs."""
    (holder,) = cluster.holders()
    assert cluster.holders(vip6(cluster)) == [holder]
    return holder


@contextmanager
def probing_both(cluster: Cluster) -> Iterator[list[Probe]]:
    """Requests through both VIPs."""
    with ExitStack() as stack:
        vips = (cluster.lab.vip, vip6(cluster))
        yield [stack.enter_context(probing(cluster, vip)) for vip in vips]


def assert_unnoticed(probes: list[Probe]) -> None:
    """No request failed."""
    assert [probe.failed for probe in probes] == [[] for _ in probes]
    assert all(probe.done > 20 for probe in probes)


def test_both_vips_are_served_by_one_node_and_move_together(both: Cluster) -> None:
    holder = holder_of_both(both)
    assert both.up()["changes"] == 0
    with probing_both(both) as probes:
        both.ok("drain", holder)
    assert_unnoticed(probes)
    second = holder_of_both(both)
    assert second != holder
    both.ok("undrain", holder)
    # No farewell, no drain: the haproxy of the holder dies.
    both.node(second, "docker stop --time 1 kube-lb-haproxy")
    eventually(lambda: both.holders() not in ([], [second]), "the IPv4 VIP has moved")
    eventually(lambda: both.holders() == both.holders(vip6(both)), "the IPv6 VIP has moved, too")
    both.up()
    both.ok("verify")


def test_a_family_is_added_and_removed_without_the_other_being_dropped(served: Cluster) -> None:
    holders = served.holders()
    with probing(served) as probe:
        served.inventory["vip"] = [served.lab.vip, vip6(served)]
        added = served.up()
    assert_unnoticed([probe])
    assert added["together"] == []
    assert {step["impact"] for node in added["plan"] for step in node["steps"]} == {
        "none",
        "reload",
    }
    assert served.holders() == served.holders(vip6(served)) == holders
    with probing(served) as probe:
        served.inventory["vip"] = served.lab.vip
        removed = served.up()
    assert_unnoticed([probe])
    assert [f"VIP {vip6(served)} is removed" in line for line in removed["removes"]] == [True]
    assert (served.holders(), served.holders(vip6(served))) == (holders, [])
    served.ok("verify")


@pytest.mark.exhaustive
def test_vips_on_two_nodes_are_a_failure(both: Cluster) -> None:
    holder = holder_of_both(both)
    other = next(node for node in both.lab.nodes if node != holder)
    # As after a lost update of one address: keepalived of the holder does not add it again.
    both.node(holder, "kill -STOP $(pidof keepalived)")
    both.node(holder, f"ip address del {vip6(both)}/128 dev eth0")
    both.node(other, f"ip address add {vip6(both)}/128 dev eth0 nodad")
    try:
        verify = both.run("verify", "--timeout", "0", "--json")
        assert (None, "vip-held-once") in verify.failures()
        reported = [
            p["message"] for p in verify.document["proofs"] if p["proof"] == "vip-held-once"
        ]
        assert any("the VIPs are not on the same node" in seen for seen in reported), reported
    finally:
        both.node(other, f"ip address del {vip6(both)}/128 dev eth0", check=False)
        both.node(holder, "kill -CONT $(pidof keepalived)")
    eventually(lambda: both.holders(vip6(both)) == both.holders() != [], "they are together again")


def test_a_node_without_the_second_family_is_refused(served: Cluster) -> None:
    node = served.lab.nodes[2]
    address = f"{served.lab.address6(node)}/64"
    served.inventory["vip"] = [served.lab.vip, vip6(served)]
    before = served.snapshot()
    served.node(node, f"ip address del {address} dev eth0")
    try:
        result = served.run("up", "--yes")
    finally:
        served.node(node, f"ip address add {address} dev eth0 nodad")
    assert result.code == 3
    assert f"{vip6(served)} is in no subnet of eth0" in result.err
    assert served.snapshot() == before


@pytest.mark.exhaustive
def test_containers_are_recreated_without_a_failure(both: Cluster) -> None:
    holder = holder_of_both(both)
    both.inventory["haproxy"] = {"maxconn": 900}
    with probing_both(both) as probes:
        both.up()
    assert_unnoticed(probes)
    assert holder_of_both(both) != holder
    assert both.up()["changes"] == 0


@pytest.mark.exhaustive
def test_a_setting_of_all_nodes_changes_without_a_failure(both: Cluster) -> None:
    holder = holder_of_both(both)
    both.inventory["vrrp"] = {"virtual_router_id": 79, "version": 3}
    with probing_both(both) as probes:
        document = both.up()
    assert document["together"] == ["virtual_router_id", "VRRP version"]
    assert_unnoticed(probes)
    assert holder_of_both(both) == holder
    assert both.up()["changes"] == 0


@pytest.mark.exhaustive
def test_adverts_may_be_of_ipv6(fresh: Cluster) -> None:
    """The nodes are named by their IPv6 addresses: then the IPv4 VIP is the one that follows."""
    fresh.inventory["vip"] = [fresh.lab.vip, vip6(fresh)]
    fresh.inventory["nodes"] = [
        {"name": n, "address": fresh.lab.address6(n), "ssh": {"host": fresh.lab.address(n)}}
        for n in fresh.lab.nodes
    ]
    fresh.up()
    holder = holder_of_both(fresh)
    with probing_both(fresh) as probes:
        fresh.ok("drain", holder)
    assert_unnoticed(probes)
    assert holder_of_both(fresh) != holder
    fresh.ok("undrain", holder)
    fresh.ok("verify")
    fresh.ok("down", "--yes")
    assert fresh.holders() == fresh.holders(vip6(fresh)) == []


@pytest.mark.exhaustive
def test_a_drill_moves_both(both: Cluster) -> None:
    document = both.ok("drill", "--yes", "--json").document
    assert document["exit_code"] == 0
    holder_of_both(both)


@pytest.mark.exhaustive
def test_the_second_family_is_added_together_with_a_recreation(served: Cluster) -> None:
    """The next holder has both VIPs before the VIP is handed over to it."""
    served.inventory["vip"] = [served.lab.vip, vip6(served)]
    served.inventory["haproxy"] = {"maxconn": 901}
    with probing(served) as probe:
        served.up()
    assert_unnoticed([probe])
    holder_of_both(served)
    assert served.up()["changes"] == 0
    served.inventory["vip"] = served.lab.vip
    served.up()
    assert served.holders(vip6(served)) == []


@pytest.mark.exhaustive
def test_an_address_that_is_lost_moves_both(both: Cluster) -> None:
    holder = holder_of_both(both)
    both.node(holder, f"ip address del {vip6(both)}/128 dev eth0")
    eventually(lambda: both.holders(vip6(both)) != [], "the VIP is somewhere again")
    eventually(lambda: both.holders() == both.holders(vip6(both)), "both are together")
    both.ok("verify")


@pytest.mark.exhaustive
def test_another_machine_with_either_vip_is_seen(both: Cluster) -> None:
    other = next(node for node in both.lab.nodes if node != holder_of_both(both))
    nodes = list(both.inventory["nodes"])
    without(both, other)
    both.ok("up", "--prune", "--yes")
    mac = both.node(other, "cat /sys/class/net/eth0/address")
    try:
        for vip, option in ((f"{both.lab.vip}/32", ""), (f"{vip6(both)}/128", "nodad")):
            both.node(other, f"ip address add {vip} dev eth0 {option}")
            verify = both.run("verify", "--timeout", "0", "--json")
            both.node(other, f"ip address del {vip} dev eth0")
            assert (None, "vip-held-once") in verify.failures(), vip
            (found,) = [d for d in verify.document["diagnosis"] if d["cause"] == "vip-stranger"]
            assert mac in found["message"]
    finally:
        both.inventory["nodes"] = nodes


@pytest.mark.exhaustive
def test_a_cluster_set_up_by_hand_with_both_is_taken_over(
    fresh: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_family = classic.keepalived_conf
    block = f"  virtual_ipaddress_excluded {{\n    {vip6(fresh)} dev eth0\n  }}\n  track_script"
    monkeypatch.setattr(
        classic,
        "keepalived_conf",
        lambda *of, **how: one_family(*of, **how).replace("  track_script", block, 1),
    )
    front = "frontend kube-apiserver\n    bind *:9443"
    haproxy = classic.haproxy_cfg(fresh.lab).replace(front, f"{front}\n    bind :::9443 v6only")
    fresh.inventory["vip"] = [fresh.lab.vip, vip6(fresh)]
    with classic.by_hand(fresh.lab, haproxy=haproxy):
        holder_of_both(fresh)
        shown = fresh.ok("plan", "--adopt").out
        assert "every address" not in shown
        with probing_both(fresh) as probes:
            fresh.ok("up", "--adopt", "--yes")
        assert_unnoticed(probes)
        holder_of_both(fresh)
        assert fresh.up()["changes"] == 0
        fresh.ok("down", "--yes")
        assert fresh.holders(vip6(fresh)) == []
        for node in fresh.lab.nodes:
            fresh.node(node, f"rm -rf {ROOT}")


@pytest.mark.exhaustive
def test_without_ipv6_the_other_vip_is_served_and_up_heals_it_afterwards(both: Cluster) -> None:
    holder = holder_of_both(both)
    six = "/proc/sys/net/ipv6/conf/eth0/disable_ipv6"
    own = f"{both.lab.address6(holder)}/64"
    with probing(both) as probe:
        both.node(holder, f"echo 1 >{six}")
        try:
            # The best node wins the election again, and cannot add the address.
            verify = both.run("verify", "--timeout", "0", "--json")
            assert (None, "vip-held-once") in verify.failures()
            assert both.run("status").code != 0
            refused = both.run("up", "--yes").err
            assert "in no subnet of eth0 any more" in refused
            assert "add an address in that subnet to the interface again" in refused
        finally:
            both.node(holder, f"echo 0 >{six}; ip address replace {own} dev eth0 nodad")
        assert f"is MASTER without {vip6(both)}" in both.ok("plan").out
        both.up()
    assert_unnoticed([probe])
    assert holder_of_both(both) == holder
    assert both.up()["changes"] == 0
