"""`verify` names the cause of a real fault."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from hadeploy.lab.certificate import CertificateSpec
from tests.lab.harness import HAPROXY, Cluster, eventually
from tests.lab.sabotage import SABOTAGES

QUICK = ("verify", "--json", "--timeout", "0")
# The others only repeat a way in which something is recognised; they were captured for the unit
# tests.
ALWAYS = ("vrrp-blocked", "virtual-router-id", "orphan", "haproxy-stopped", "port-taken")


def diagnosis(cluster: Cluster) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = cluster.run(*QUICK).document["diagnosis"]
    return found


@pytest.fixture
def mended(served: Cluster) -> Iterator[Cluster]:
    """A cluster that serves, before and after."""
    yield served
    served.ok("verify")


@pytest.mark.parametrize(
    "name",
    [
        name if name in ALWAYS else pytest.param(name, marks=pytest.mark.exhaustive)
        for name in SABOTAGES
    ],
)
def test_the_cause_is_named_first_with_its_nodes(mended: Cluster, name: str) -> None:
    sabotage = SABOTAGES[name]
    with sabotage.done_to(mended) as nodes:
        found: list[dict[str, Any]] = []

        def recognised() -> bool:
            # Until all has noticed, there may be more to tell, or not all nodes yet.
            found[:] = diagnosis(mended)
            reported = [(d["cause"], set(d["nodes"])) for d in found]
            return reported == [(sabotage.cause, set(nodes))]

        eventually(recognised, f"{sabotage.cause} is recognised, and nothing else")
        assert found[0]["evidence"]


def test_backends_that_are_down_are_reported_with_their_check_results(mended: Cluster) -> None:
    for node in mended.lab.nodes:
        mended.lab.apiserver(node, up=False)
    try:
        eventually(
            lambda: (
                [d["message"] for d in diagnosis(mended)]
                == ["3 backends are down: nothing listens there"]
            ),
            "every haproxy has noticed",
        )
        assert mended.run(*QUICK).code == 4
    finally:
        for node in mended.lab.nodes:
            mended.lab.apiserver(node, up=True)


def test_api_servers_that_refuse_the_check_are_not_called_unready(served: Cluster) -> None:
    lab = served.lab

    def answer(statuses: dict[str, int]) -> None:
        for node, status in statuses.items():
            lab.apiserver(node, up=True, tls=CertificateSpec((lab.vip,)), readyz=status)

    answer(dict.fromkeys(lab.nodes, 200))
    check = {"type": "https", "interval": "200ms", "fall": 1, "rise": 1}
    served.inventory["listeners"] = [{"check": check}]
    served.up()
    answer({"n1": 401, "n2": 403, "n3": 500})
    eventually(
        lambda: (
            {d["message"] for d in diagnosis(served)}
            == {
                "1 backend is down: they refuse anonymous requests (401 to /readyz)",
                "1 backend is down: anonymous requests may not read /readyz (403)",
                "1 backend is down: they are not ready (500 to /readyz)",
            }
        ),
        "every haproxy has noticed",
    )
    assert "(L7STS, 401 Unauthorized)" in served.run("status").out
    answer(dict.fromkeys(lab.nodes, 200))
    eventually(lambda: not diagnosis(served), "the backends are up again")


def test_a_missing_container_is_reported_and_up_creates_it(served: Cluster) -> None:
    (holder,) = served.holders()
    other = next(node for node in served.lab.nodes if node != holder)
    served.node(other, f"docker stop --time 2 {HAPROXY} && docker rm {HAPROXY}")
    # Until keepalived's check has noticed, or haproxy its backends, there is more to tell.
    eventually(
        lambda: (
            [(d["cause"], d["nodes"]) for d in diagnosis(served)]
            == [("container-missing", [other])]
        ),
        "the container that is not there is all that is told",
    )
    served.up()
    served.ok("verify")


def test_an_inventory_that_differs_from_the_cluster_is_shown_on_one_screen(served: Cluster) -> None:
    served.inventory["haproxy"] = {**served.inventory.get("haproxy", {}), "maxconn": 5000}
    result = served.run("verify", "--timeout", "0")
    assert result.code == 4
    assert "n1, n2, n3: haproxy runs a configuration that differs from the inventory" in result.out
    assert "fix: `hadeploy plan` shows the difference" in result.out
    assert len(result.out.splitlines()) < 25


def test_up_reports_why_the_proof_failed(mended: Cluster) -> None:
    with SABOTAGES["vrrp-blocked"].done_to(mended):
        result = mended.run("up", "--timeout", "0")
        assert result.code == 4
        assert "diagnosis:" in result.out
        assert "VRRP is blocked between the nodes" in result.out


@contextlib.contextmanager
def second_network(cluster: Cluster) -> Iterator[None]:
    """The VIP's interface is another one than that of SSH, and can go down alone.

    On one node: the lab's switch does not forward between such interfaces.
    """
    del cluster.inventory["nodes"][1:]
    for i, node in enumerate(cluster.lab.nodes[:1], 1):
        cluster.node(
            node,
            f"""ip link add link eth0 name vip0 type macvlan mode bridge
            ip address add 203.0.113.{i}/24 dev vip0 && ip link set vip0 up""",
        )
        cluster.inventory["nodes"][i - 1]["ssh"] = {"host": cluster.lab.address(node)}
        cluster.inventory["nodes"][i - 1]["address"] = f"203.0.113.{i}"
    cluster.inventory["vip"] = "203.0.113.100"
    try:
        yield
    finally:
        cluster.run("down", "--yes")
        cluster.node(cluster.lab.nodes[0], "ip link del vip0")


@pytest.mark.exhaustive
def test_an_interface_that_is_down_is_the_cause(fresh: Cluster) -> None:
    with second_network(fresh):
        fresh.up()
        fresh.node(fresh.lab.nodes[0], "ip link set vip0 down")
        eventually(
            lambda: [d["cause"] for d in diagnosis(fresh)] == ["interface-down"],
            "it is recognised alone",
        )
        assert diagnosis(fresh)[0]["nodes"] == [fresh.lab.nodes[0]]
