"""`verify` fails for the right reason."""

from __future__ import annotations

from tests.lab.harness import HAPROXY, KEEPALIVED, Cluster, eventually

QUICK = ("verify", "--json", "--timeout", "0")


def test_a_served_cluster_is_proven(served: Cluster) -> None:
    result = served.ok("verify", "--json")
    assert result.failures() == []
    assert served.ok("verify").out.count("✓") > 3


def test_a_stopped_keepalived_is_found(served: Cluster) -> None:
    (holder,) = served.holders()
    other = next(node for node in served.lab.nodes if node != holder)
    served.node(other, f"docker stop {KEEPALIVED}")
    result = served.run(*QUICK)
    assert result.code == 4
    assert result.failures() == [(other, "container-running"), (other, "keepalived-agrees")]


def test_a_port_without_a_listener_is_found(served: Cluster) -> None:
    (holder,) = served.holders()
    other = next(node for node in served.lab.nodes if node != holder)
    served.node(other, f"docker stop --time 2 {HAPROXY}")
    eventually(
        lambda: (other, "keepalived-agrees") in served.run(*QUICK).failures(),
        "keepalived has noticed",
    )
    assert served.run(*QUICK).failures() == [
        (other, "container-running"),
        (other, "port-listens"),
        (other, "haproxy-answers"),
        (other, "keepalived-agrees"),
    ]


def test_a_vip_on_two_nodes_is_found(served: Cluster) -> None:
    (holder,) = served.holders()
    other = next(node for node in served.lab.nodes if node != holder)
    served.node(other, f"ip address add {served.lab.vip}/32 dev eth0")
    try:
        result = served.run(*QUICK)
        assert result.code == 4
        assert (None, "vip-held-once") in result.failures()
        assert (other, "keepalived-agrees") in result.failures()
        assert f"{served.lab.vip} is bound on" in result.out
    finally:
        served.node(other, f"ip address del {served.lab.vip}/32 dev eth0")


def test_a_frozen_haproxy_gives_the_vip_up_and_is_found(served: Cluster) -> None:
    (holder,) = served.holders()
    pids = served.node(holder, "pidof haproxy")
    served.node(holder, f"kill -STOP {pids}")
    try:
        eventually(
            lambda: holder not in served.holders() and len(served.holders()) == 1,
            "another node has the VIP",
        )
        assert (holder, "haproxy-answers") in served.run(*QUICK).failures()
        assert served.request() in served.lab.nodes
    finally:
        served.node(holder, f"kill -CONT {pids}")
    served.ok("verify")


def test_a_backend_that_is_down_is_reported_and_fails_nothing(served: Cluster) -> None:
    served.lab.apiserver("n3", up=False)

    def reported() -> bool:
        proofs = served.ok("verify", "--json").document["proofs"]
        (backends,) = [p for p in proofs if p["proof"] == "backends-up"]
        return bool(backends["verdict"] == "warn" and backends["message"].startswith("2 of 3 "))

    eventually(reported, "haproxy has noticed")
