"""A network that drops VRRP, as many clouds do, gets no second holder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.lab.harness import Cluster, Result, eventually
from tests.lab.traffic import probing


@contextmanager
def dropped(cluster: Cluster, what: str, *nodes: str) -> Iterator[None]:
    """The packets do not arrive; as in the network itself, before the node's own firewall."""
    chain = "unheard in '{ type filter hook ingress device eth0 priority 0; }'"
    for node in nodes:
        cluster.node(
            node,
            f"""nft add table netdev unheard
            nft add chain netdev {chain}
            nft add rule netdev unheard in {what} drop""",
        )
    try:
        yield
    finally:
        for node in nodes:
            cluster.node(node, "nft delete table netdev unheard")


def reported(result: Result) -> str:
    """What was printed, on one line."""
    return " ".join((result.out + result.err).split())


@pytest.mark.exhaustive
def test_a_first_up_leaves_one_holder(fresh: Cluster) -> None:
    with dropped(fresh, "ip protocol 112", *fresh.lab.nodes):
        result = fresh.run("up")
        assert result.code in (1, 4), reported(result)
        assert fresh.holders() == ["n1"]
        assert "no VRRP advert of its holder arrives here" in reported(result)
    fresh.ok("up", "--lock-wait", "60")
    assert fresh.holders() == ["n1"]
    assert fresh.up()["changes"] == 0


@pytest.mark.exhaustive
def test_a_change_to_multicast_that_no_node_receives_leaves_one_holder(served: Cluster) -> None:
    (holder,) = served.holders()
    served.inventory["vrrp"] = {"mode": "multicast"}
    with probing(served) as probe:
        with dropped(served, "ip daddr 224.0.0.18", *served.lab.nodes):
            result = served.run("up")
            assert result.code == 1, reported(result)
            assert served.holders() == [holder]
            assert "no VRRP advert of its holder arrives here" in reported(result)
            assert "IP protocol 112" in reported(result)
        served.ok("up", "--lock-wait", "60")
    assert probe.failed == []
    assert served.holders() == [holder]


@pytest.mark.exhaustive
def test_an_added_node_that_receives_no_adverts_does_not_take_part(fresh: Cluster) -> None:
    nodes = list(fresh.inventory["nodes"])
    fresh.inventory["nodes"] = nodes[:2]
    fresh.up()
    (holder,) = fresh.holders()
    fresh.inventory["nodes"] = nodes
    with probing(fresh) as probe:
        with dropped(fresh, "ip protocol 112", "n3"):
            result = fresh.run("up")
            assert result.code == 1, reported(result)
            assert "no VRRP advert of its holder arrives here" in reported(result)
            assert fresh.holders() == [holder]
        fresh.ok("up", "--lock-wait", "60")
    assert probe.failed == []
    assert fresh.holders() == [holder]


def test_two_holders_are_reported_by_plan_and_check(served: Cluster) -> None:
    (holder,) = served.holders()
    other = next(node for node in served.lab.nodes if node != holder)
    both = [node for node in served.lab.nodes if node in (holder, other)]
    with dropped(served, "ip protocol 112", other):
        eventually(lambda: served.holders() == both, "it has the VIP, too")
        for command in ("plan", "check"):
            result = served.ok(command)
            assert f"{served.lab.vip} is bound on {' and '.join(both)}" in reported(result)
            assert "`hadeploy verify`" in reported(result)
        for words in (("status",), ("verify", "--timeout", "0")):
            assert served.run(*words).code == 4
    eventually(lambda: served.holders() == [holder], "one hears the other again")
    assert "is bound on" not in reported(served.ok("plan"))
