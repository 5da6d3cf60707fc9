"""Maintenance: the VIP is handed over, and kept away."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.harness import HAPROXY, ROOT, Cluster, eventually
from tests.lab.traffic import probing


@pytest.fixture
def undrained(served: Cluster) -> Iterator[Cluster]:
    """A serving cluster; a drained node takes part again afterwards."""
    yield served
    for node in served.lab.nodes:
        served.node(node, "echo 0 >/etc/hadeploy/kube-lb/track/drain")


def test_the_holder_is_drained_and_stays_so(undrained: Cluster) -> None:
    (holder,) = undrained.holders()
    with probing(undrained) as probe:
        undrained.ok("drain", holder)
    assert probe.failed == []
    (successor,) = undrained.holders()
    assert successor != holder
    assert undrained.request() in undrained.lab.nodes
    # `up` leaves it as it is and reports it.
    result = undrained.ok("up")
    assert f"{holder}: drained" in result.err
    undrained.lab.reboot(holder)
    undrained.ok("verify")
    assert undrained.holders() == [successor]
    undrained.ok("undrain", holder)
    assert undrained.holders() == [successor], "it does not come back by itself"
    assert "drained" not in undrained.ok("up").err


def test_what_is_still_to_be_applied_does_not_matter_to_maintenance(undrained: Cluster) -> None:
    undrained.inventory["haproxy"] = {"hard_stop_after": "9s"}
    undrained.inventory["listeners"] = [{"port": 9443}, {"name": "other", "port": 9444}]
    (holder,) = undrained.holders()
    undrained.ok("drain", holder)
    assert holder not in undrained.holders()
    undrained.ok("undrain", holder)
    assert undrained.ok("plan", "--json").document["changes"] > 0


def test_a_track_folder_that_was_replaced_is_seen_or_a_drain_would_do_nothing(
    undrained: Cluster,
) -> None:
    (holder,) = undrained.holders()
    node = next(n for n in undrained.lab.nodes if n != holder)
    folder = f"{ROOT}/track"
    undrained.node(node, f"cp -a {folder} {folder}.copy; rm -r {folder}; mv {folder}.copy {folder}")
    steps = {s["action"] for turn in undrained.up()["plan"] for s in turn["steps"]}
    assert steps == {"recreate-container", "write-record"}
    undrained.ok("drain", node)
    document = undrained.ok("verify", "--json").document
    (said,) = [
        p["message"]
        for p in document["proofs"]
        if p["proof"] == "keepalived-agrees" and p["node"] == node
    ]
    assert said == "keepalived is in FAULT (drain)"


def test_draining_twice_is_draining_once(undrained: Cluster) -> None:
    undrained.ok("drain", "n2")
    before = undrained.snapshot()
    undrained.ok("drain", "n2")
    assert undrained.snapshot() == before


def test_the_last_healthy_node_is_not_drained(undrained: Cluster) -> None:
    undrained.ok("drain", "n1")
    undrained.node("n2", f"docker stop --time 2 {HAPROXY}")
    eventually(lambda: undrained.holders() == ["n3"], "n3 has the VIP")
    result = undrained.run("drain", "n3")
    assert result.code == 1
    assert "no healthy node could take over the VIP" in result.err
    assert undrained.holders() == ["n3"]


def test_a_missing_node_is_reported(undrained: Cluster) -> None:
    result = undrained.run("drain", "n9")
    assert result.code == 2
    assert "the inventory has no node n9; it has n1, n2, n3" in result.err
