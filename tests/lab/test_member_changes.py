"""Nodes come and go together with other changes, in one `up`, under traffic.

tests/unit/rollout/test_member_changes.py has the whole table, up to five nodes.
"""

from __future__ import annotations

import copy
import itertools
from typing import Any

import pytest

from tests.lab.harness import Cluster, eventually
from tests.lab.traffic import probing

CHANGES: dict[str, dict[str, Any]] = {
    "nothing else": {},
    "reload": {"listeners": [{"balance": "roundrobin"}]},
    "recreate": {"haproxy": {"maxconn": 7000}},
    "coordinated": {"vrrp": {"virtual_router_id": 77}},
    "recreate and coordinated": {
        "haproxy": {"maxconn": 7000},
        "vrrp": {"virtual_router_id": 77},
    },
}
MEMBERS = {
    "1 grows to 2": ("1", "12"),
    "1 grows to 3": ("1", "123"),
    "2 grow to 3": ("12", "123"),
    "3 shrink to 2": ("123", "23"),
    "3 shrink to 1": ("123", "1"),
    "3 shrink to 1 without the holder": ("123", "3"),
    "1 of 2 is replaced": ("12", "13"),
    "the holder of 2 is replaced": ("12", "23"),
    "both are replaced by 1": ("12", "3"),
}


def with_nodes(cluster: Cluster, numbers: str, change: dict[str, Any]) -> None:
    """Put those nodes, and no others, into the inventory, and a change."""
    nodes = cluster.inventory["nodes"]
    cluster.inventory["nodes"] = [n for n in nodes if n["name"][1:] in numbers]
    cluster.inventory |= copy.deepcopy(change)


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("members", "change"),
    itertools.product(MEMBERS, CHANGES),
)
def test_each_cluster_is_reached_by_one_up(fresh: Cluster, members: str, change: str) -> None:
    old, new = MEMBERS[members]
    wanted = fresh.copy()
    with_nodes(fresh, old, {})
    fresh.up()
    assert fresh.holders() == [f"n{old[0]}"]
    with_nodes(wanted, new, CHANGES[change])
    gone = sorted(set(old) - set(new))
    options = ["--prune"] if gone else []
    if not set(old) & set(new):
        # No node of the inventory has a record of the others.
        options += [f"--former={fresh.lab.address(f'n{gone[0]}')}"]
    assert wanted.run("plan", "--exit-code", *options).code == 5
    with probing(fresh) as probe:
        wanted.ok("up", "--yes", *options)
    assert probe.failed == []
    (holder,) = wanted.holders()
    assert holder[1:] in new
    for number in gone:
        left = "docker ps --all --quiet; ls /etc/hadeploy"
        assert fresh.node(f"n{number}", left, check=False) == ""
    assert wanted.up()["changes"] == 0


def test_a_preferred_node_leaves_while_the_holder_is_recreated(fresh: Cluster) -> None:
    wanted = fresh.copy()
    fresh.up()
    fresh.ok("drain", "n1")
    fresh.ok("undrain", "n1")
    assert fresh.holders() == ["n2"]
    with_nodes(wanted, "23", CHANGES["recreate"])
    with probing(fresh) as probe:
        wanted.ok("up", "--yes", "--prune")
    assert probe.failed == []
    assert len(wanted.holders()) == 1
    assert wanted.up()["changes"] == 0


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("old", "new", "mode"),
    [
        pytest.param("2", "12", "multicast", id="1 grows to 2"),
        pytest.param("2", "12", "unicast", id="1 grows to 2, and to multicast"),
        pytest.param("12", "13", "multicast", id="1 of 2 is replaced"),
    ],
)
def test_each_cluster_is_reached_by_one_up_by_multicast(
    fresh: Cluster, old: str, new: str, mode: str
) -> None:
    wanted = fresh.copy()
    with_nodes(fresh, old, {"vrrp": {"mode": mode}})
    fresh.up()
    with_nodes(wanted, new, {"vrrp": {"mode": "multicast"}, **CHANGES["recreate"]})
    with probing(fresh) as probe:
        wanted.ok("up", "--yes", *(["--prune"] * bool(set(old) - set(new))))
    assert probe.failed == []
    assert len(wanted.holders()) == 1
    assert wanted.up()["changes"] == 0


@pytest.mark.exhaustive
def test_a_new_node_that_does_not_start_costs_no_other_node(fresh: Cluster) -> None:
    wanted = fresh.copy()
    with_nodes(fresh, "12", {})
    fresh.up()
    before = fresh.snapshot()["n2"]
    with_nodes(wanted, "13", CHANGES["recreate"])
    with (
        fresh.instead_of("n3", "docker", "run", "exit 1"),
        probing(fresh) as probe,
    ):
        assert wanted.run("up", "--yes", "--prune").code == 1
    assert probe.failed == []
    assert len(fresh.holders()) == 1
    assert fresh.snapshot()["n2"].splitlines()[:2] == before.splitlines()[:2], "n2 runs on"
    wanted.ok("up", "--yes", "--prune")
    assert wanted.up()["changes"] == 0


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "moment", ["n1 reloading", "n1 unpinning", "n2 proving", "n3 recording", "n1 handing"]
)
def test_growth_that_was_killed_is_finished_by_the_next_run(fresh: Cluster, moment: str) -> None:
    wanted = fresh.copy()
    with_nodes(fresh, "1", {})
    fresh.up()
    wanted.inventory |= CHANGES["recreate"]
    with probing(fresh) as probe:
        assert wanted.accident("kill", moment, "up", "--yes").code == -9
        wanted.ok("up", "--yes", "--lock-wait", "150")
    assert probe.failed == []
    assert len(wanted.holders()) == 1
    assert wanted.up()["changes"] == 0


@pytest.mark.exhaustive
def test_a_dead_node_is_forgotten_while_another_joins(fresh: Cluster) -> None:
    wanted = fresh.copy()
    with_nodes(fresh, "12", {})
    fresh.up()
    assert fresh.holders() == ["n1"]
    fresh.lab.stop_node("n2")
    # Its API server is gone with it, which haproxy has to find out.
    eventually(lambda: all(fresh.request() for _ in range(9)), "it gets no more requests", 60)
    with_nodes(wanted, "13", CHANGES["recreate"])
    with probing(fresh) as probe:
        wanted.ok("up", "--yes", "--forget", fresh.lab.address("n2"))
    assert probe.failed == []
    held = [n for n in ("n1", "n3") if fresh.node(n, f"ip -o address show to {fresh.lab.vip}")]
    assert held == ["n3"]
    assert wanted.up()["changes"] == 0
