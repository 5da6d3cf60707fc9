"""A change while one API server is dead: no request is lost to it."""

from __future__ import annotations

import pytest

from hadeploy.lab.images.store import ensure_image
from tests.lab.harness import HAPROXY, ROOT, Cluster, eventually
from tests.lab.traffic import probing

STATE = f"{ROOT}/haproxy/server-state"
NEWER = "haproxy:3.0.11"


def servers(cluster: Cluster, node: str) -> dict[str, str]:
    """What a node's haproxy thinks of each server."""
    table = cluster.node(node, "curl --silent 'http://127.0.0.1:19443/stats;csv'", check=False)
    rows = [line.split(",") for line in table.splitlines() if "-backend,n" in line]
    return {row[1]: row[17] for row in rows}


def known_down(cluster: Cluster, server: str, *nodes: str) -> bool:
    """Whether the haproxy of each node has found that server dead."""
    return all(servers(cluster, node).get(server) == "DOWN" for node in nodes)


@pytest.mark.parametrize(
    "change", ["reload", pytest.param("recreate", marks=pytest.mark.exhaustive)]
)
def test_no_request_is_lost_to_a_dead_server(served: Cluster, change: str) -> None:
    (holder,) = served.holders()
    other, away = [node for node in served.lab.nodes if node != holder]
    served.lab.stop_node(away)
    eventually(lambda: known_down(served, away, holder, other), f"{away} is known to be dead", 60)
    # A haproxy that knows nothing would go on losing every third request until the test is over.
    served.inventory["listeners"] = [{"check": {"interval": "10m"}, "balance": "roundrobin"}]
    if change == "recreate":
        served.inventory["images"]["haproxy"] = {
            "reference": NEWER,
            "archive": str(ensure_image(NEWER)),
        }
    with probing(served) as probe:
        served.ok("up", "--allow-degraded", away)
        answered = probe.done
        eventually(lambda: probe.done > answered + 20, "requests afterwards", 60)
    assert probe.failed == []
    assert known_down(served, away, holder, other)


@pytest.mark.exhaustive
def test_a_server_that_was_down_returns_without_a_command(served: Cluster) -> None:
    served.lab.apiserver("n3", up=False)
    eventually(lambda: known_down(served, "n3", *served.lab.nodes), "n3's is known to be dead", 60)
    served.inventory["listeners"] = [{"check": {"interval": "9s"}}]
    served.up()
    # A haproxy that knows nothing would take three checks to find out.
    assert known_down(served, "n3", *served.lab.nodes)
    for node in served.lab.nodes:
        assert "n3" not in served.node(node, f"cat {STATE}"), "the next start knows nothing"
    assert served.up()["changes"] == 0
    served.lab.apiserver("n3", up=True)
    eventually(
        lambda: all(servers(served, node).get("n3") == "UP" for node in served.lab.nodes),
        "it is up again",
        60,
    )


BROKEN = (
    f"rm {STATE}",
    f": >{STATE}",
    f"printf 'not a version\\n' >{STATE}",
    f"printf '1\\nkube-apiserver-backend n3 cut off' >{STATE}",
    f"printf '1\\n0 gone 0 n3 - 0 0 1 1 0 1 0 0 6 0 0 0 - 1 -\\n' >{STATE}",
    f"head -c 100000 /dev/urandom >{STATE}",
    f"chmod 0 {STATE}",
)


def test_a_broken_state_keeps_no_haproxy_from_starting(served: Cluster) -> None:
    other = next(node for node in served.lab.nodes if node not in served.holders())
    for broken in BROKEN:
        served.node(other, f"{broken}; docker restart --time 1 {HAPROXY}")
        eventually(
            lambda: list(servers(served, other).values()) == ["UP"] * 3,
            f"it serves with all servers after {broken}",
        )
    served.inventory["haproxy"] = {"maxconn": 4100}
    served.ok("up", "--limit", other)
    assert served.node(other, f"stat -c %a {STATE}; head -n 1 {STATE}") == "644\n1"
