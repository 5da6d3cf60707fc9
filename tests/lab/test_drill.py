"""`hadeploy drill`: what is broken is noticed, taken over and mended."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.lab.harness import HAPROXY, KEEPALIVED, Cluster, eventually

# In what is expected of a drill, the address.
VIP = "VIP"


def drilled(cluster: Cluster, *arguments: str) -> list[dict[str, Any]]:
    """The results of a drill that was passed; the cluster is whole afterwards."""
    result = cluster.ok("drill", "--yes", "--hold", "0.5", "--json", *arguments)
    drills: list[dict[str, Any]] = result.document["drill"]
    for drill in drills:
        assert drill["problems"] == []
        assert drill["asked_how"] == "http"
        assert drill["requests"] > 0
    assert len(cluster.holders()) == 1
    return drills


def moved(drill: dict[str, Any]) -> None:
    """The VIP moved from a victim to another node, after the fault was detected."""
    assert drill["holder"] in drill["victims"]
    assert drill["successor"] not in drill["victims"]
    assert drill["detected"] <= drill["taken_over"]
    assert drill["failed_back"] is False
    # A leaving holder announces it before it removes the address: for milliseconds both have it.
    began, ended = (drill["holder"], "breaking", ""), (drill["holder"], "mended", "")
    in_order(drill, began, (drill["holder"], "unbound", VIP), ended)
    in_order(drill, began, (drill["successor"], "bound", VIP), ended)


def in_order(drill: dict[str, Any], *wanted: tuple[str, str, str]) -> None:
    """All of that happened, one after the other."""
    events = [(event["node"], event["kind"], event["what"]) for event in drill["events"]]
    vip = next(what for _, kind, what in events if kind == "bound")
    rest = iter(events)
    for node, kind, what in wanted:
        step = (node, kind, what.replace(VIP, vip))
        assert step in rest, f"{step} after what stands before it: {events}"


def noticed(drill: dict[str, Any]) -> None:
    """The check of a victim noticed that haproxy was gone, and that it was back."""
    for victim in drill["victims"]:
        in_order(
            drill,
            (victim, "breaking", ""),
            (victim, "check", "failed"),
            (victim, "state", "FAULT"),
            (victim, "check", "succeeded"),
            (victim, "state", "BACKUP"),
        )


def did(drill: dict[str, Any], container: str, *actions: str) -> None:
    """What Docker did with a container of the holder, in that order."""
    in_order(
        drill, *((drill["holder"], "container", f"{container} {action}") for action in actions)
    )


def test_haproxy_fails_on_the_holder(served: Cluster) -> None:
    names = ("haproxy-stop", "haproxy-kill", "haproxy-hang", "node-pair")
    before = served.snapshot().keys()
    drills = drilled(served, *names)
    assert [drill["scenario"] for drill in drills] == list(names)
    for drill in drills:
        moved(drill)
        noticed(drill)
    did(drills[0], HAPROXY, "kill", "die", "stop", "start")
    # A crash, after which Docker itself starts it anew: no `kill`, no `stop`.
    did(drills[1], HAPROXY, "die", "start")
    assert {"kill", "stop"}.isdisjoint(
        event["what"].rpartition(" ")[2] for event in drills[1]["events"]
    )
    assert not any(event["kind"] == "container" for event in drills[2]["events"])
    # Frozen, it takes connections and answers none of them.
    assert drills[2]["failed"] > 0
    assert len(drills[3]["victims"]) == 2
    assert served.up()["changes"] == 0
    assert served.snapshot().keys() == before


def test_keepalived_fails_on_the_holder(served: Cluster) -> None:
    stop, kill = drilled(served, "keepalived-stop", "keepalived-kill")
    moved(stop)
    in_order(stop, (stop["holder"], "breaking", ""), (stop["successor"], "state", "MASTER"))
    did(stop, KEEPALIVED, "stop", "start")
    did(kill, KEEPALIVED, "die", "start")
    # A keepalived that Docker has restarted at once may keep the VIP.
    assert kill["successor"] in served.lab.nodes


def test_keepalived_hangs_on_the_holder(served: Cluster) -> None:
    (drill,) = drilled(served, "keepalived-hang")
    holder, successor = drill["holder"], drill["successor"]
    assert successor != holder
    in_order(drill, (holder, "breaking", ""), (successor, "state", "MASTER"))
    in_order(drill, (holder, "breaking", ""), (successor, "bound", VIP), (holder, "mending", ""))
    # Nothing removes the VIP from the node before keepalived runs again, so clients are served.
    assert drill["double"] > 0.5
    assert drill["outage"] < drill["taken_over"]
    (last,) = served.holders()
    (other,) = {holder, successor} - {last}
    # It runs before the drill says that it does.
    in_order(drill, (holder, "mending", ""), (other, "unbound", VIP))
    assert served.up()["changes"] == 0


def test_the_fault_starts_after_the_address_monitor(served: Cluster) -> None:
    (holder,) = served.holders()
    # `ip -ts monitor`, and no other.
    with served.instead_of(holder, "ip", "-ts", "sleep 1"):
        [drill] = drilled(served, "keepalived-stop")
    moved(drill)


def test_the_engine_and_the_link_of_the_holder(served: Cluster) -> None:
    routes = {node: served.node(node, "ip route; ip -6 route") for node in served.lab.nodes}
    drills = drilled(
        served, "docker-restart", "link-down", "--allow-docker-restart", "--allow-link-down"
    )
    for drill in drills:
        moved(drill)
    did(drills[0], KEEPALIVED, "die", "start")
    in_order(
        drills[1], (drills[1]["holder"], "state", "FAULT"), (drills[1]["holder"], "mended", "")
    )
    assert routes == {node: served.node(node, "ip route; ip -6 route") for node in served.lab.nodes}
    # Whoever has a local route answers for the address, whether it is bound there or not.
    local = f"ip route show table local {served.lab.vip}"
    answering = [node for node in served.lab.nodes if served.node(node, local)]
    assert answering == served.holders()


@pytest.mark.exhaustive
@pytest.mark.parametrize("profile", ["standard", "fast"])
def test_every_set_of_failed_haproxies(served: Cluster, profile: str) -> None:
    served.inventory["vrrp"] = {"failover": profile}
    served.up()
    drills = drilled(served, "all")
    assert len(drills) == 6
    for drill in drills:
        if drill["holder"] in drill["victims"]:
            moved(drill)
        else:
            assert drill["successor"] is None


@pytest.mark.exhaustive
def test_the_vip_fails_back_by_weight(served: Cluster) -> None:
    served.inventory["vrrp"] = {"on_check_failure": "weight", "preempt": True}
    served.up()
    eventually(lambda: served.holders() == ["n1"], "the VIP is on the best node")
    for drill in drilled(served, "all"):
        assert drill["holder"] == "n1"
        assert drill["failed_back"] is True
        if "n1" not in drill["victims"]:
            assert drill["successor"] is None
            continue
        changes = [e for e in drill["events"] if (e["node"], e["kind"]) == ("n1", "priority")]
        lowered, raised = (change["what"] for change in changes)
        best, worst = lowered.split()
        assert raised == f"{worst} {best}"
        in_order(
            drill,
            ("n1", "breaking", ""),
            ("n1", "priority", lowered),
            (drill["successor"], "bound", VIP),
            ("n1", "mended", ""),
            ("n1", "priority", raised),
            ("n1", "bound", VIP),
        )


def test_a_node_asks_where_this_machine_has_no_route(served: Cluster) -> None:
    with no_route(served.lab.vip):
        (drill,) = drilled(served, "haproxy-stop")
    moved(drill)
    _next, bystander = [node for node in served.lab.nodes if node != drill["holder"]]
    assert drill["asked_from"] == bystander


@contextmanager
def no_route(vip: str) -> Iterator[None]:
    """This machine cannot reach the VIP."""
    subprocess.run(["ip", "route", "add", "unreachable", f"{vip}/32"], check=True)
    try:
        yield
    finally:
        subprocess.run(["ip", "route", "del", "unreachable", f"{vip}/32"], check=True)


def test_an_outage_that_is_too_long_fails_and_is_reported(served: Cluster) -> None:
    page = served.folder / "report.html"
    result = served.run("drill", "--yes", "--max-outage", "0.001", "--report", str(page), "--json")
    assert result.code == 4
    assert result.failures() == []
    (drill,) = result.document["drill"]
    assert "the limit is 0.001 s" in drill["problems"][0]
    assert result.document["report"] == str(page)
    assert page.stat().st_mode & 0o777 == 0o644
    assert drill["problems"][0] in page.read_text()


def test_a_cluster_that_is_not_whole_is_not_broken_further(served: Cluster) -> None:
    served.node("n2", f"docker stop --time 2 {HAPROXY}")
    before = served.snapshot()
    result = served.run("drill", "--yes", "--json")
    assert result.code == 4
    assert "the cluster is not healthy (" in result.document["errors"][0]["message"]
    assert served.snapshot() == before


def test_it_asks_before_it_breaks_something(served: Cluster) -> None:
    before = served.snapshot()
    unasked = served.run("drill")
    assert unasked.code == 2
    assert "add --yes" in unasked.err
    refused = served.run("drill", "link-down", "--yes")
    assert refused.code == 2
    assert "hadeploy drill link-down --allow-link-down" in refused.err
    unwritable = served.run("drill", "--yes", "--report", "/nowhere/report.html")
    assert unwritable.code == 2
    assert "writing the report: /nowhere/report.html: no such folder" in unwritable.err
    code, screen = served.typed("n\n", "drill")
    assert code == 130
    assert "Cause failures in cluster kube-lb (haproxy-stop)?" in screen
    assert served.snapshot() == before
