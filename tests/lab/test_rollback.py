"""A node that is not healthy after its step gets back what it had."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from hadeploy.desired.folders import shipped_templates
from hadeploy.lab.images.store import ensure_image
from tests.lab.harness import HAPROXY, KEEPALIVED, ROOT, Cluster, eventually
from tests.lab.traffic import probing

NEWER = "haproxy:3.0.11"
# Else a plan for a port that is taken is refused.
UNCHECKED = ("--skip", "ports")


@contextlib.contextmanager
def port_taken(cluster: Cluster, node: str, port: int) -> Iterator[None]:
    """Another program listens on a port of that node."""
    listen = f"import socket, time; s = socket.create_server(('', {port})); time.sleep(600)"
    cluster.node(node, f'python3 -c "{listen}" >/dev/null 2>&1 & echo $! >/run/taker.pid')
    try:
        eventually(lambda: cluster.node(node, f"ss -Hltn sport = :{port}"), "it listens")
        yield
    finally:
        cluster.node(node, "kill $(cat /run/taker.pid)")


def live(cluster: Cluster, node: str) -> str:
    """The files that the programs read, and the containers."""
    return cluster.node(
        node,
        f"cat {ROOT}/haproxy/* {ROOT}/keepalived/* {ROOT}/track/*; "
        "docker ps --all --no-trunc --format '{{.ID}} {{.Names}} {{.Image}}' | sort",
    )


def extra_bind(port: int) -> dict[str, object]:
    """A listener whose port is taken, which `haproxy -c` does not detect."""
    return {"extra": {"defaults": f"listen other\n    bind *:{port}\n    server none 127.0.0.1:1"}}


@pytest.mark.parametrize(
    "change", ["reload", pytest.param("recreate", marks=pytest.mark.exhaustive)]
)
def test_a_node_whose_haproxy_fails_gets_the_old_one_back(served: Cluster, change: str) -> None:
    (holder,) = served.holders()
    first, second = [node for node in served.lab.nodes if node != holder]
    before = {node: live(served, node) for node in served.lab.nodes}
    served.inventory["templates"] = extra_bind(7777)
    if change == "recreate":
        served.inventory["images"]["haproxy"] = {
            "reference": NEWER,
            "archive": str(ensure_image(NEWER)),
        }
    with port_taken(served, second, 7777), probing(served) as probe:
        result = served.run("up", "--json", *UNCHECKED)
    assert result.code == 1
    assert probe.failed == []
    assert result.document["nodes"] == {first: "new", second: "restored", holder: "untouched"}
    assert live(served, holder) == before[holder]
    assert live(served, second) == before[second]
    assert served.holders() == [holder]
    detail = result.document["errors"][0]["detail"]
    assert f"{second}: previous configuration, restored" in detail
    assert served.up()["changes"] > 0, "with the port free it goes on"
    assert served.up()["changes"] == 0


def test_a_stopped_keepalived_is_not_started_by_a_change_that_fails(served: Cluster) -> None:
    backup = next(node for node in served.lab.nodes if node not in served.holders())
    before = live(served, backup)
    served.inventory["templates"] = extra_bind(7777)
    served.node(backup, f"docker stop {KEEPALIVED}")
    with port_taken(served, backup, 7777), probing(served) as probe:
        result = served.run("up", "--json", *UNCHECKED)
    assert result.code == 1
    assert probe.failed == []
    assert result.document["nodes"][backup] == "restored"
    assert live(served, backup) == before
    status = f"docker container inspect --format '{{{{.State.Status}}}}' {KEEPALIVED}"
    assert served.node(backup, status).strip() == "exited"


@pytest.mark.exhaustive
def test_renamed_containers_come_back_under_their_old_names(served: Cluster) -> None:
    (holder,) = served.holders()
    first, second = [node for node in served.lab.nodes if node != holder]
    before = live(served, second)
    served.inventory["containers"] = {"haproxy": "edge-haproxy", "keepalived": "edge-keepalived"}
    served.inventory["templates"] = extra_bind(7777)
    with port_taken(served, second, 7777), probing(served) as probe:
        result = served.run("up", "--json", *UNCHECKED)
    assert result.code == 1
    assert probe.failed == []
    assert result.document["nodes"] == {first: "new", second: "restored", holder: "untouched"}
    assert live(served, second) == before
    del served.inventory["containers"], served.inventory["templates"]
    with probing(served) as probe:
        document = served.up()
    assert probe.failed == []
    assert [turn["node"] for turn in document["plan"] if turn["steps"]] == [first]


@pytest.mark.exhaustive
def test_a_holder_whose_keepalived_fails_gets_the_old_one_back(served: Cluster) -> None:
    (holder,) = served.holders()
    before = live(served, holder)
    check = (shipped_templates() / "check-haproxy.sh.j2").read_text()
    sick = check.replace("exec 3<>", f'[ "$(hostname)" != {holder} ] || exit 1\nexec 3<>', 1)
    folder = served.folder / "templates"
    folder.mkdir()
    (folder / "check-haproxy.sh.j2").write_text(sick)
    newer = "osixia/keepalived:2.3.3"
    served.inventory["images"]["keepalived"] = {
        "reference": newer,
        "archive": str(ensure_image(newer)),
    }
    served.inventory["templates"] = {"folder": str(folder)}
    with probing(served) as probe:
        result = served.run("up", "--json")
    assert result.code == 1
    assert probe.failed == []
    assert result.document["nodes"][holder] == "restored"
    assert live(served, holder) == before
    assert len(served.holders()) == 1


@pytest.mark.exhaustive
def test_a_first_up_that_fails_leaves_what_is_there_to_be_looked_at(fresh: Cluster) -> None:
    fresh.inventory["templates"] = extra_bind(7777)
    with port_taken(fresh, "n1", 7777):
        result = fresh.run("up", "--json", *UNCHECKED)
    assert result.code == 1
    assert result.document["nodes"] == {"n1": "partial-first", "n2": "new", "n3": "new"}
    eventually(lambda: len(fresh.holders()) == 1, "the others do without it")
    assert "cannot bind" in result.document["errors"][0]["detail"].lower()
    assert HAPROXY in fresh.node("n1", "docker ps --all --format '{{.Names}}'")
    fresh.up()


def test_the_previous_configuration_comes_back_on_all_nodes(served: Cluster) -> None:
    before = {node: live(served, node) for node in served.lab.nodes}
    served.inventory["haproxy"] = {"maxconn": 850}
    served.inventory["vrrp"] = {"virtual_router_id": 71}
    served.up()
    changed = {node: live(served, node) for node in served.lab.nodes}
    planned = served.ok("plan", "--rollback").out
    assert "maxconn" in planned
    assert "This restores the configuration that " in planned
    with probing(served) as probe:
        served.ok("up", "--rollback")
    assert probe.failed == []
    for node, lines in before.items():
        files = lines.partition("\n0")[0]
        assert files in live(served, node)
    served.ok("up", "--rollback")
    assert {n: lines.partition("\n0")[0] for n, lines in changed.items()} == {
        n: live(served, n).partition("\n0")[0] for n in served.lab.nodes
    }


def test_without_a_previous_configuration_there_is_nothing_to_go_back_to(fresh: Cluster) -> None:
    fresh.up()
    result = fresh.run("up", "--rollback")
    assert result.code == 2
    assert "no common previous configuration" in result.err
