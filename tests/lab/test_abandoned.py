"""A change of all nodes that is interrupted, however, leaves nodes that can take over the VIP."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

from tests.lab.harness import HAPROXY, ROOT, Cluster, eventually
from tests.lab.test_crash import locks, new_router
from tests.lab.traffic import probing

# UNDECIDED_SECONDS of tasks/apply/guard.sh, and the time to return to the former settings.
REJOIN_SECONDS = 150
HELD = f"cat {ROOT}/track/handover"
# A script that has come to its end gives the lock back itself.
EXPIRE = "sed -i 's/^expires=.*/expires=0/' /run/hadeploy/*.lock || true"

# As where another run took it over.
LOSE = "rm /run/hadeploy/*.lock"


def can_fail_over(cluster: Cluster) -> None:
    """Every backup takes part again without a command, and one takes over from a failed holder."""
    nodes = cluster.lab.nodes
    eventually(
        lambda: [cluster.node(node, HELD) for node in nodes] == ["0"] * len(nodes),
        "no node is held back",
        REJOIN_SECONDS,
    )
    eventually(lambda: len(cluster.holders()) == 1, "there is one holder", 30)
    (holder,) = cluster.holders()
    others = [node for node in nodes if node != holder]
    cluster.node(holder, f"docker stop {HAPROXY}")
    eventually(lambda: any(cluster.holders() == [node] for node in others), "it is taken over", 30)
    assert cluster.request()
    cluster.node(holder, f"docker start {HAPROXY}")


def finishes(cluster: Cluster) -> None:
    """The next run converges."""
    cluster.ok("up", "--lock-wait", "60")
    assert cluster.up()["changes"] == 0
    assert len(cluster.holders()) == 1


@pytest.mark.parametrize(
    ("kind", "moment"),
    [
        pytest.param("interrupt-twice", "proving", marks=pytest.mark.exhaustive),
        ("interrupt-twice", "pinning"),
        pytest.param("hangup", "holding", marks=pytest.mark.exhaustive),
        pytest.param("interrupt-twice", "holding", marks=pytest.mark.exhaustive),
        pytest.param("interrupt-twice", "unpinning", marks=pytest.mark.exhaustive),
        pytest.param("hangup", "proving", marks=pytest.mark.exhaustive),
        pytest.param("hangup", "unpinning", marks=pytest.mark.exhaustive),
    ],
)
def test_an_interrupted_change_of_all_nodes(served: Cluster, kind: str, moment: str) -> None:
    new_router(served)
    result = served.accident(kind, moment, "up")
    assert result.code == 130, result.err
    assert not locks(served) or kind == "interrupt-twice"
    can_fail_over(served)
    finishes(served)


def test_a_holder_that_loses_its_lock_after_its_change_stays_the_only_master(
    served: Cluster,
) -> None:
    (holder,) = served.holders()
    new_router(served)
    lose, _ = served.lab.exec_command(holder, ["sh", "-c", LOSE])
    with probing(served) as probe:
        moment = f"{holder} unpinning"
        result = served.accident(f"shell:{shlex.join(lose)}", moment, "up", "--json")
        assert result.code == 1, result.err
        left = result.document["nodes"]
        assert left.pop(holder) == "partial"
        assert set(left.values()) == {"held"}
        assert served.holders() == [holder]
    assert probe.failed == []
    can_fail_over(served)
    finishes(served)


@pytest.mark.parametrize(
    ("kind", "moment"),
    [
        pytest.param("kill", "proving", marks=pytest.mark.exhaustive),
        pytest.param("cut", "pinning", marks=pytest.mark.exhaustive),
        pytest.param("kill", "holding", marks=pytest.mark.exhaustive),
        pytest.param("kill", "unpinning", marks=pytest.mark.exhaustive),
        pytest.param("cut", "proving", marks=pytest.mark.exhaustive),
    ],
)
def test_a_run_that_vanishes_during_a_change_of_all_nodes(
    served: Cluster, kind: str, moment: str
) -> None:
    new_router(served)
    assert served.accident(kind, moment, "up").code != 0
    # The time of the lock passes.
    for node in locks(served):
        served.node(node, EXPIRE)
    can_fail_over(served)
    finishes(served)


@pytest.mark.exhaustive
@pytest.mark.parametrize("moment", ["proving", "pinning"])
@pytest.mark.parametrize(
    "vrrp",
    [
        {"mode": "multicast"},
        {"version": 3},
        {"advert_interval": 2},
        {"password": "cmd:echo s3cret"},
        {"version": 3, "advert_interval": 0.5, "mode": "multicast"},
    ],
    ids=str,
)
def test_every_setting_in_which_nodes_must_agree(
    served: Cluster, vrrp: dict[str, Any], moment: str
) -> None:
    served.inventory["vrrp"] = vrrp
    assert served.accident("interrupt-twice", moment, "up").code == 130
    can_fail_over(served)
    finishes(served)


@pytest.mark.exhaustive
@pytest.mark.parametrize("moment", ["proving", "pinning"])
def test_a_vip_that_is_added(served: Cluster, moment: str) -> None:
    second = served.lab.vip.rpartition(".")[0] + ".101"
    served.inventory["vip"] = [served.lab.vip, second]
    assert served.accident("interrupt-twice", moment, "up").code == 130
    can_fail_over(served)
    finishes(served)


def test_a_reader_that_ends_stops_a_change_after_the_present_node(served: Cluster) -> None:
    new_router(served)
    process = served.start("up")
    assert process.stderr is not None
    for line in process.stderr:
        if "changes applied" in line:
            break
    process.stderr.close()
    assert process.wait(timeout=120) == 130
    can_fail_over(served)
    finishes(served)
