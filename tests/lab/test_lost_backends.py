"""A change after which API servers are no longer reached goes back, and is not called a success."""

from __future__ import annotations

import shlex
import sys

import pytest

from hadeploy.lab import by_hand as classic
from hadeploy.lab.certificate import CertificateSpec
from tests.lab.harness import ROOT, Cluster, Result, eventually
from tests.lab.test_dead_backend import servers
from tests.lab.traffic import probing

PUT_BACK = "previous configuration, restored"


def all_up(cluster: Cluster) -> bool:
    """Whether every haproxy reaches every API server."""
    return all(list(servers(cluster, n).values()) == ["UP"] * 3 for n in cluster.lab.nodes)


def refused(cluster: Cluster, *, tls: bool = False) -> Result:
    """`up` with a change that takes the API servers away: one node tries it, and goes back."""
    (holder,) = cluster.holders()
    before = cluster.containers()
    with probing(cluster, tls=tls) as probe:
        result = cluster.run("up")
    assert probe.failed == []
    assert result.code == 1, result.err
    assert result.err.count(PUT_BACK) == 1
    assert f"{holder}: unchanged" in result.err
    assert cluster.holders() == [holder]
    assert cluster.containers() == before
    eventually(lambda: all_up(cluster), "all API servers are reached again")
    return result


def test_a_typo_in_the_backend_port_goes_back_on_the_first_node(served: Cluster) -> None:
    served.inventory["listeners"] = [{"backend_port": 6444}]
    reported = refused(served).err
    assert "kube-apiserver-backend/n1 at " in reported
    assert ":6444: L4CON Connection refused" in reported
    assert "listeners[0].backend_port: 6443 -> 6444" in reported
    # The health port moves, too: what was up before is asked at the old one.
    served.inventory["haproxy"] = {"health_port": 19444}
    assert "L4CON" in refused(served).err
    del served.inventory["listeners"], served.inventory["haproxy"]
    # Clients are refused, though not those on the node itself.
    rule = "tcp-request connection reject unless { src 127.0.0.0/8 }"
    served.inventory["templates"] = {"extra": {"listener": rule}}
    reported = refused(served).err
    assert "closes every connection at once" in reported
    assert "templates.extra.listener: (nothing) -> tcp-request connection reject" in reported
    del served.inventory["templates"]
    assert served.up()["changes"] == 0


@pytest.mark.exhaustive
def test_one_wrong_address_among_several_is_named(served: Cluster) -> None:
    wrong = "198.18.0.1"
    first, second, third = (served.lab.address(node) for node in served.lab.nodes)
    served.inventory["listeners"] = [{"backends": [first, second, wrong]}]
    result = served.run("up")
    assert result.code == 0, result.err
    reported = " ".join(result.out.split())
    down = f"server-3 at {wrong}:6443 (L4"
    assert f"2 of 3 backends are up on n1; down: {down}" in reported
    assert f"new with this change, not up yet: {down}" in reported
    assert f"removed, but up before: n3 at {third}:6443" in reported
    for command in ("verify", "status"):
        assert down in " ".join(served.ok(command).out.split())
    assert "new with this change" not in served.ok("up").out
    # The same server at another address: nothing tells it from a typo, so the change goes back.
    del served.inventory["listeners"]
    served.up()
    eventually(lambda: all_up(served), "all API servers are reached again")
    backends = [first, second, {"name": "n3", "address": wrong}]
    served.inventory["listeners"] = [{"backends": backends}]
    assert f"kube-apiserver-backend/n3 at {wrong}:6443: L4" in refused(served).err


@pytest.fixture
def over_tls(served: Cluster) -> Cluster:
    """API servers that speak TLS and answer 403 to what they do not have, checked by /readyz."""
    spec = CertificateSpec(addresses=(served.lab.vip,))
    for node in served.lab.nodes:
        served.lab.apiserver(node, up=True, tls=spec, unknown=403)
    eventually(lambda: all_up(served), "the API servers are up again")
    served.inventory["listeners"] = [{"check": {"type": "https"}}]
    served.up()
    return served


def test_a_check_that_the_api_servers_refuse_goes_back(over_tls: Cluster) -> None:
    over_tls.inventory["listeners"] = [{"check": {"type": "https", "path": "/readyzz"}}]
    reported = refused(over_tls, tls=True).err
    assert "L7STS/403 Forbidden" in reported
    assert "listeners[0].check.path: /readyz -> /readyzz" in reported
    # Anonymous requests are refused, which a check that only connects does not notice.
    over_tls.inventory["listeners"] = [{"check": {"type": "tcp"}}]
    over_tls.up()
    spec = CertificateSpec(addresses=(over_tls.lab.vip,))
    for node in over_tls.lab.nodes:
        over_tls.lab.apiserver(node, up=True, tls=spec, readyz=401)
    eventually(lambda: all_up(over_tls), "the API servers are up again")
    over_tls.inventory["listeners"] = [{"check": {"type": "https"}}]
    reported = refused(over_tls, tls=True).err
    assert "L7STS/401 Unauthorized" in reported
    assert "listeners[0].check.type: tcp -> https" in reported


@pytest.mark.exhaustive
def test_a_single_node_goes_back_too(fresh: Cluster) -> None:
    fresh.inventory["nodes"] = fresh.inventory["nodes"][:1]
    fresh.inventory["listeners"] = [
        {"backends": [f"{n['address']}:6443" for n in fresh.inventory["nodes"]]}
    ]
    fresh.up()
    eventually(lambda: servers(fresh, "n1") == {"n1": "UP"}, "the API server is up")
    fresh.inventory["listeners"] = [{"backends": ["198.18.0.1:6443"]}]
    result = fresh.run("up")
    assert result.code == 1
    assert PUT_BACK in result.err
    assert servers(fresh, "n1") == {"n1": "UP"}
    fresh.ok("down", "--yes")


def test_an_api_server_that_dies_during_a_change_is_no_reason_to_go_back(served: Cluster) -> None:
    served.inventory["listeners"] = [{"balance": "roundrobin"}]
    call = f"Lab.find('{served.lab.name}').apiserver('n3', up=False)"
    kill = shlex.join([sys.executable, "-c", f"from hadeploy.lab.lab import Lab; {call}"])
    (holder,) = served.holders()
    first = next(node for node in served.lab.nodes if node != holder)
    result = served.accident(f"shell:{kill}", f"{first} reloading kube-lb-haproxy", "up")
    assert result.code == 0, result.err
    assert "went down on all nodes while the change was made" in result.err
    assert "2 of 3 backends are up" in result.out
    assert served.up()["changes"] == 0


def test_the_vip_is_not_handed_to_a_node_that_reaches_fewer_backends(served: Cluster) -> None:
    (holder,) = served.holders()
    elected, third = [node for node in served.lab.nodes if node != holder]
    rule = f"OUTPUT -d {served.lab.address(third)} -p tcp --dport 6443 -j REJECT"
    served.node(elected, f"iptables -I {rule}")
    try:
        eventually(lambda: servers(served, elected)[third] == "DOWN", "it is down there", 60)
        result = served.run("drain", holder)
        assert result.code == 1
        assert f"{elected} would take over the VIP" in result.err
        assert served.holders() == [holder]
    finally:
        served.node(elected, f"iptables -D {rule}")
    eventually(lambda: all_up(served), "it is up again", 60)
    served.ok("drain", holder)
    served.ok("undrain", holder)


def test_only_before_the_first_api_server_no_backend_is_expected(fresh: Cluster) -> None:
    for node in fresh.lab.nodes:
        fresh.lab.apiserver(node, up=False)
    fresh.ok("up")
    result = fresh.run("verify")
    assert result.code == 0
    assert "kubeadm init" in result.out
    assert fresh.run("status").code == 4
    for node in fresh.lab.nodes:
        fresh.lab.apiserver(node, up=True)
    eventually(lambda: all_up(fresh), "all API servers are up")
    assert fresh.run("status").code == 0
    for node in fresh.lab.nodes:
        fresh.lab.apiserver(node, up=False)
    eventually(
        lambda: all(
            list(servers(fresh, node).values()) == ["DOWN"] * 3 for node in fresh.lab.nodes
        ),
        "all API servers are down",
    )
    assert fresh.run("status").code == 7
    result = fresh.run("verify", "--timeout", "0")
    assert result.code == 4
    assert "clients get no answer" in result.out
    assert "kubeadm init" not in result.out
    # None before and none after: the change itself is made.
    fresh.inventory["listeners"] = [{"balance": "roundrobin"}]
    result = fresh.run("up", "--timeout", "0")
    assert result.code == 4
    assert "error: " not in result.err
    assert fresh.run("plan", "--exit-code").code == 0


def test_adopting_with_a_wrong_backend_port_gives_the_old_cluster_back(fresh: Cluster) -> None:
    with classic.by_hand(fresh.lab):
        fresh.inventory["listeners"] = [{"backend_port": 6444}]
        with probing(fresh) as probe:
            result = fresh.run("up", "--adopt")
        assert result.code == 1, result.err
        assert "L4CON Connection refused" in result.err
        assert "listeners[0].backend_port: 6443 -> 6444" in result.err
        assert result.err.count(PUT_BACK) == 1
        assert probe.failed == []
        assert len(classic.holders(fresh.lab)) == 1
        for node in fresh.lab.nodes:
            fresh.node(node, f"rm -rf {ROOT}")
