"""Nodes come and go under traffic, and there are never two holders."""

from __future__ import annotations

import pytest

from tests.lab.harness import KEEPALIVED, Cluster, eventually
from tests.lab.test_lock import waiting_for
from tests.lab.test_rollback import port_taken
from tests.lab.traffic import probing


def without(cluster: Cluster, node: str) -> None:
    """Take a node out of the inventory."""
    cluster.inventory["nodes"] = [n for n in cluster.inventory["nodes"] if n["name"] != node]


def masters(cluster: Cluster) -> int:
    """How often any keepalived has become master since its container was made."""
    said = "docker logs %s 2>&1 | grep -c 'Entering MASTER' || true"
    return sum(int(cluster.node(node, said % KEEPALIVED) or 0) for node in cluster.lab.nodes)


def test_a_new_node_is_known_before_it_starts(fresh: Cluster) -> None:
    everybody = list(fresh.inventory["nodes"])
    without(fresh, "n1")
    fresh.up()
    (holder,) = fresh.holders()
    # It would be preferred, and it comes last all the same.
    fresh.inventory["nodes"] = everybody
    elections = masters(fresh)
    with probing(fresh) as probe:
        document = fresh.up()
    assert [turn["node"] for turn in document["plan"]][-1] == "n1"
    assert probe.failed == []
    assert fresh.holders() == [holder]
    assert masters(fresh) == elections, "nobody became master"


@pytest.mark.exhaustive
def test_a_cluster_of_one_grows(fresh: Cluster) -> None:
    everybody = list(fresh.inventory["nodes"])
    fresh.inventory["nodes"] = everybody[:1]
    fresh.up()
    fresh.inventory["nodes"] = everybody
    with probing(fresh) as probe:
        document = fresh.up()
    assert document["together"] == ["unicast or multicast"]
    assert probe.failed == []
    assert fresh.holders() == ["n1"]
    assert fresh.up()["changes"] == 0


@pytest.mark.parametrize("which", ["holder", pytest.param("backup", marks=pytest.mark.exhaustive)])
def test_a_removed_node_is_stopped_before_its_peers_forget_it(served: Cluster, which: str) -> None:
    (holder,) = served.holders()
    gone = holder if which == "holder" else next(n for n in served.lab.nodes if n != holder)
    without(served, gone)
    refused = served.run("up")
    assert refused.code == 3
    assert "hadeploy up --prune" in refused.err
    assert "handover" in served.ok("plan", "--prune").out or which == "backup"
    with probing(served) as probe:
        served.ok("up", "--prune")
    assert probe.failed == []
    assert served.node(gone, "docker ps --all --quiet; ls /etc/hadeploy", check=False) == ""
    assert len(served.holders()) == 1
    assert served.up()["changes"] == 0


def test_no_node_is_removed_while_a_check_fails(served: Cluster) -> None:
    gone = "n3"
    without(served, gone)
    served.inventory["listeners"] = [{"port": 7777}]
    before = served.snapshot()
    with port_taken(served, "n2", 7777):
        result = served.run("up", "--prune")
    assert result.code == 3
    assert "port 7777 is taken by python3" in result.err
    assert served.snapshot() == before


def test_a_removed_node_is_stopped_also_after_a_wait_for_the_lock(served: Cluster) -> None:
    (holder,) = served.holders()
    gone, other = [node for node in served.lab.nodes if node != holder]
    without(served, gone)
    assert "waiting" in waiting_for(served, other, "up", "--prune", "--lock-wait", "50")
    assert served.node(gone, "docker ps --all --quiet; ls /etc/hadeploy", check=False) == ""


def test_a_removed_node_that_is_out_of_reach_is_forgotten_on_demand(served: Cluster) -> None:
    (holder,) = served.holders()
    gone = next(n for n in served.lab.nodes if n != holder)
    without(served, gone)
    served.lab.stop_node(gone)
    result = served.run("up", "--prune")
    assert result.code == 3
    address = served.lab.address(gone)
    assert f"hadeploy up --forget {address}" in result.err
    served.ok("up", "--forget", address)
    # With other VRRP settings it would have the VIP beside the holder, once it is back.
    served.lab.start_node(gone)
    served.inventory["vrrp"] = {"virtual_router_id": 88}

    def is_back() -> bool:
        result = served.run("check")
        return "is back on the network" in result.out + result.err

    eventually(is_back, "it is back", 60)
    refused = served.run("up")
    assert refused.code == 3
    assert f"the forgotten node {address} is back on the network" in refused.err
    assert len(served.holders()) == 1
    served.ok("up", "--prune")
    assert len(served.holders()) == 1


@pytest.mark.exhaustive
def test_a_node_that_is_down_can_be_left_out(served: Cluster) -> None:
    (holder,) = served.holders()
    away, other = [node for node in served.lab.nodes if node != holder]
    served.lab.stop_node(away)
    # Its API server is gone with it, which haproxy has to find out.
    eventually(lambda: all(served.request() for _ in range(9)), "it gets no more requests", 60)
    served.inventory["haproxy"] = {"maxconn": 650}
    assert served.run("up").code == 3
    with probing(served) as probe:
        result = served.ok("up", "--allow-degraded", away)
    assert probe.failed == []
    assert f"{away} was left out" in result.out
    assert served.run("up", "--allow-degraded", away, "--allow-degraded", other).code == 2
    served.lab.start_node(away)
    served.up()


def test_one_node_alone_can_be_changed(served: Cluster) -> None:
    served.inventory["listeners"] = [{"balance": "roundrobin"}]
    before = served.containers()
    document = served.ok("up", "--limit", "n2", "--json").document
    assert {turn["node"] for turn in document["plan"]} == {"n2"}
    assert served.containers() == before
    assert {turn["node"] for turn in served.up()["plan"] if turn["steps"]} == {"n1", "n3"}


@pytest.mark.exhaustive
def test_a_node_that_gets_another_address_is_neither_removed_nor_new(served: Cluster) -> None:
    (holder,) = served.holders()
    moving = next(node for node in served.lab.nodes if node != holder)
    former = served.lab.address(moving)
    new = former.rpartition(".")[0] + ".33"
    served.node(moving, f"ip address add {new}/24 dev eth0")
    try:
        for node in served.inventory["nodes"]:
            if node["name"] == moving:
                # The lab's sshd listens on the former one only.
                node |= {"address": new, "ssh": {"host": former}}
        with probing(served) as probe:
            plan = served.ok("plan", "--json").document
            assert plan["together"] == ["source address"]
            served.up()
            assert served.up()["changes"] == 0
            for node in served.inventory["nodes"]:
                if node["name"] == moving:
                    node["address"] = former
                    del node["ssh"]
            served.ok("up", "--prune")
        assert probe.failed == []
        assert served.holders() == [holder]
        assert served.up()["changes"] == 0
    finally:
        served.node(moving, f"ip address del {new}/24 dev eth0")
