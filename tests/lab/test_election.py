"""No change and no command lets a node win the VIP that reaches fewer backends than its holder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hadeploy.lab import by_hand as classic
from hadeploy.lab.images.store import ensure_image
from tests.lab.harness import HAPROXY, KEEPALIVED, ROOT, Cluster, eventually
from tests.lab.test_dead_backend import servers
from tests.lab.test_lost_backends import all_up
from tests.lab.traffic import probing

RULE = "OUTPUT -p tcp --dport 6443 -j REJECT"
REFUSED = "n1 would take over the VIP but does not reach backends that n2 reaches"


def cut(cluster: Cluster, node: str = "n1") -> None:
    """Keep a node from all API servers; returns when its haproxy has noticed."""
    cluster.node(node, f"iptables -I {RULE}")
    eventually(lambda: set(servers(cluster, node).values()) == {"DOWN"}, "all are down there", 60)


@pytest.fixture
def on_n2(served: Cluster) -> Iterator[Cluster]:
    """n2 holds the VIP, n1 has the highest priority; at the end nothing is cut or drained."""
    if served.holders() != ["n2"]:
        for node in ("n1", "n3"):
            served.ok("drain", node)
        for node in ("n1", "n3"):
            served.ok("undrain", node)
    assert served.holders() == ["n2"]
    yield served
    for node in served.lab.nodes:
        served.node(node, f"while iptables -D {RULE}; do :; done 2>/dev/null", check=False)
        for drain in ("drain", "handover"):
            served.node(node, f"echo 0 >{ROOT}/track/{drain}")
    eventually(lambda: all_up(served), "all API servers are reached again", 60)


def refused(cluster: Cluster, *arguments: str) -> str:
    """A command that is refused before anything is touched."""
    before = cluster.snapshot()
    with probing(cluster) as probe:
        result = cluster.run(*arguments)
    assert probe.failed == []
    assert result.code == 1, result.out + result.err
    assert cluster.snapshot() == before
    assert "kube-apiserver-backend/n1 at " in result.err
    assert "L4CON" in result.err
    return result.err


@pytest.mark.exhaustive
def test_preempt_is_not_turned_on_for_a_node_that_reaches_no_backend(on_n2: Cluster) -> None:
    cut(on_n2)
    on_n2.inventory["vrrp"] = {"preempt": True}
    reported = refused(on_n2, "plan")
    assert REFUSED in reported
    assert "hadeploy drain n1" in reported
    assert REFUSED in refused(on_n2, "up")
    # What the hint says works, and the drain does not end by itself.
    with probing(on_n2) as probe:
        on_n2.ok("drain", "n1")
        on_n2.ok("up")
        assert "stays drained" in refused(on_n2, "undrain", "n1")
    assert probe.failed == []
    assert on_n2.holders() == ["n2"]
    on_n2.node("n1", f"iptables -D {RULE}")
    eventually(lambda: all_up(on_n2), "all API servers are reached again", 60)
    on_n2.ok("undrain", "n1")
    eventually(lambda: on_n2.holders() == ["n1"], "it preempts")
    # A priority that is raised is the same question.
    cut(on_n2, "n3")
    on_n2.inventory["nodes"][2]["priority"] = 254
    assert "n3 would take over the VIP" in refused(on_n2, "up")


@pytest.mark.exhaustive
def test_a_handover_to_a_node_that_reaches_no_backend_is_refused_in_the_plan(
    on_n2: Cluster,
) -> None:
    cut(on_n2)
    newer = "haproxy:3.0.11"
    on_n2.inventory["images"]["haproxy"] = {
        "reference": newer,
        "archive": str(ensure_image(newer)),
    }
    assert REFUSED in refused(on_n2, "plan")
    assert REFUSED in refused(on_n2, "up")
    assert REFUSED in refused(on_n2, "drain", "n2")
    on_n2.ok("drain", "n1")
    on_n2.ok("up")
    assert on_n2.holders() == ["n3"]


@pytest.mark.exhaustive
def test_a_preferred_node_that_comes_back_without_its_backends_does_not_win(
    on_n2: Cluster,
) -> None:
    on_n2.inventory["vrrp"] = {"preempt": True}
    on_n2.up()
    eventually(lambda: on_n2.holders() == ["n1"], "it preempts")
    on_n2.node("n1", f"docker stop --time 5 {HAPROXY} {KEEPALIVED}")
    eventually(lambda: on_n2.holders() == ["n2"], "n2 takes over")
    on_n2.node("n1", f"iptables -I {RULE}")
    with probing(on_n2) as probe:
        result = on_n2.run("up")
    assert probe.failed == []
    assert result.code == 1, result.out + result.err
    assert "it would take the VIP and does not reach backends that the holder reaches" in result.err
    assert "kept off the VIP" in result.err
    assert on_n2.holders() == ["n2"]
    # So it stays, also when it runs now.
    assert REFUSED in refused(on_n2, "up")
    on_n2.node("n1", f"iptables -D {RULE}")
    eventually(lambda: all_up(on_n2), "all API servers are reached again", 60)
    on_n2.ok("up")
    eventually(lambda: on_n2.holders() == ["n1"], "it preempts")


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param("Validate", marks=pytest.mark.exhaustive),
        "n1 checking that this node may take the VIP",
        pytest.param("n1 reloading", marks=pytest.mark.exhaustive),
    ],
)
def test_a_node_that_loses_its_backends_after_the_plan_goes_back(
    on_n2: Cluster, moment: str
) -> None:
    on_n2.inventory["vrrp"] = {"preempt": True}
    python = f"from hadeploy.lab.lab import Lab; lab = Lab.find('{on_n2.lab.name}')"
    call = f"lab.exec('n1', ['iptables', '-I', *'{RULE}'.split()])"
    script = f'{on_n2.command(("up",))[0]} -c "{python}; {call}"'
    result = on_n2.accident(f"shell:{script}", moment, "up")
    assert result.code == 1, result.out + result.err
    assert "it would take the VIP and does not reach backends that the holder reaches" in result.err
    assert "n1: previous configuration, restored" in result.err
    eventually(lambda: on_n2.holders() == ["n2"], "n2 has the VIP")
    assert on_n2.request() in on_n2.lab.nodes


@pytest.mark.exhaustive
def test_a_node_that_loses_its_backends_as_it_wins_gives_the_vip_back(on_n2: Cluster) -> None:
    on_n2.inventory["vrrp"] = {"preempt": True}
    on_n2.up()
    eventually(lambda: on_n2.holders() == ["n1"], "it preempts")
    on_n2.inventory["nodes"][0]["priority"] = 150
    python = f"from hadeploy.lab.lab import Lab; lab = Lab.find('{on_n2.lab.name}')"
    call = f"lab.exec('n2', ['iptables', '-I', *'{RULE}'.split()])"
    script = f'{on_n2.command(("up",))[0]} -c "{python}; {call}"'
    result = on_n2.accident(f"shell:{script}", "n1 reloading kube-lb-keepalived", "up")
    assert result.code == 1, result.out + result.err
    assert "n1: previous configuration, restored" in result.err
    # What is seen first: that clients are not answered, or the result of haproxy's checks.
    answered = f"port 9443 of {on_n2.lab.vip} answered HTTP before"
    assert answered in result.err or "kube-apiserver-backend/n1 at " in result.err
    eventually(lambda: on_n2.holders() == ["n1"], "n1 has the VIP again")
    assert on_n2.request() in on_n2.lab.nodes


@pytest.mark.exhaustive
def test_a_drill_does_not_hand_the_vip_to_a_node_that_reaches_fewer_backends(
    on_n2: Cluster,
) -> None:
    rule = RULE.replace("-p", f"-d {on_n2.lab.address('n3')} -p")
    on_n2.node("n1", f"iptables -I {rule}")
    try:
        eventually(lambda: servers(on_n2, "n1")["n3"] == "DOWN", "it is down there", 60)
        before = on_n2.snapshot()
        result = on_n2.run("drill", "--yes")
        assert result.code == 4, result.out + result.err
        assert REFUSED in result.err
        assert on_n2.snapshot() == before
    finally:
        on_n2.node("n1", f"iptables -D {rule}")


def test_the_holder_is_not_pruned_where_the_wrong_node_would_take_over(on_n2: Cluster) -> None:
    cut(on_n2)
    everyone = on_n2.inventory["nodes"]
    on_n2.inventory["nodes"] = [everyone[0], everyone[2]]
    on_n2.inventory["listeners"] = [{"backends": [f"{n['address']}:6443" for n in everyone]}]
    reported = refused(on_n2, "up", "--prune", "--yes")
    assert (
        f"n1 would take over the VIP but does not reach backends that {everyone[1]['address']}"
        in (reported)
    )


@pytest.mark.exhaustive
def test_adopting_does_not_hand_the_vip_to_a_node_that_reaches_no_backend(fresh: Cluster) -> None:
    with classic.by_hand(fresh.lab):
        eventually(lambda: classic.holders(fresh.lab) == ["n1"], "n1 has the VIP")
        fresh.node("n2", f"iptables -I {RULE}")
        down = f"docker logs {classic.HAPROXY} 2>&1 | grep -c 'Server .* is DOWN' || :"
        eventually(lambda: int(fresh.node("n2", down)) >= 3, "n2 serves no client", 60)
        try:
            with probing(fresh) as probe:
                result = fresh.run("up", "--adopt")
            assert result.code == 1, result.out + result.err
            assert "n2 would take over the VIP but does not reach backends that n3" in result.err
            assert probe.failed == []
            assert classic.holders(fresh.lab) == ["n1"]
        finally:
            fresh.node("n2", f"iptables -D {RULE}")
        for node in fresh.lab.nodes:
            fresh.node(node, f"rm -rf {ROOT}")
