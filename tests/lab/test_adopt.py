"""hadeploy and a cluster that was set up by hand from the classic recipe."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hadeploy.adopt.recognise import recognise
from hadeploy.inventory.cluster import Cluster as Inventory
from hadeploy.inventory.load import load_inventory
from hadeploy.lab import by_hand as classic
from hadeploy.observe.gather import observation_script
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.observe.parse import parse_observation
from hadeploy.scripts.protocol import Message, Reply, parse_line
from tests.lab.harness import ROOT, Cluster, eventually
from tests.lab.test_rollback import UNCHECKED, extra_bind, port_taken
from tests.lab.traffic import probing

MULTICAST = pytest.mark.parametrize("by_hand", ["multicast"], indirect=True)
UNICAST = pytest.mark.parametrize("by_hand", ["unicast"], indirect=True)
THEIRS = (
    "docker ps --all --no-trunc --format '{{.ID}} {{.Names}} {{.Status}}' | cut -d' ' -f1,2,3; "
    "sha256sum /etc/haproxy/* /root/keepalived/*; stat -c '%n %Y' /etc/haproxy/* /root/keepalived/*"
)


def inventory(cluster: Cluster) -> Inventory:
    return load_inventory(Path(cluster.lab.environment["HADEPLOY_INVENTORY"]))


def look(cluster: Cluster, node: str) -> ObservedNode:
    """What the observation script says when it is run on the node itself."""
    script = f"HD_TOKEN=t\n{observation_script(inventory(cluster))}\n"
    messages: list[Message] = []
    for line in cluster.lab.exec(node, ["sh"], input=script).stdout.split("\n"):
        message = parse_line(line, "t")
        if message:
            messages.append(message)
        elif messages:
            messages[-1].body.append(line)
    return parse_observation(node, Reply(tuple(messages), 0))


def theirs(cluster: Cluster) -> dict[str, str]:
    return {node: cluster.node(node, THEIRS) for node in cluster.lab.nodes}


@pytest.fixture
def by_hand(fresh: Cluster, request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """The classic cluster serves, in the way of speaking that the test says."""
    with classic.by_hand(fresh.lab, unicast=request.param == "unicast"):
        yield fresh
        for node in fresh.lab.nodes:
            fresh.node(node, f"docker ps -q | xargs -r docker stop -t 5; rm -rf {ROOT}")
            fresh.node(node, "docker ps -qa | xargs -r docker rm")


@MULTICAST
def test_a_cluster_set_up_by_hand_is_named_and_not_touched(by_hand: Cluster) -> None:
    before, snapshot = theirs(by_hand), by_hand.snapshot()
    names = {n: by_hand.node(n, "docker ps --format '{{.Names}}'") for n in by_hand.lab.nodes}
    result = by_hand.run("plan", "--json")
    assert result.code == 3
    errors = {error["node"]: error for error in result.document["errors"]}
    assert set(errors) == set(by_hand.lab.nodes)
    assert len(result.document["errors"]) == len(errors), "one clear message per node"
    for node, error in errors.items():
        keepalived = next(name for name in names[node].split() if name != classic.HAPROXY)
        assert error["message"] == (
            "port 9443 and the VIP are served by a cluster set up by hand: containers "
            f"{classic.HAPROXY} ({classic.HAPROXY_IMAGE}) and "
            f"{keepalived} ({classic.KEEPALIVED_IMAGE})"
        )
        assert "hadeploy up --adopt" in error["hint"]
    for secret in (classic.PASSWORD, "canary"):
        assert secret not in result.out + result.err
    assert theirs(by_hand) == before
    assert by_hand.snapshot() == snapshot
    assert by_hand.request() in by_hand.lab.nodes


@UNICAST
def test_what_it_really_runs_is_read(by_hand: Cluster) -> None:
    # Edited, and without effect: the classic image copied it at its first start.
    by_hand.node("n2", f"echo '# later' >>{classic.KEEPALIVED_CONF}")
    found = recognise(inventory(by_hand), look(by_hand, "n2"))
    assert found is not None
    assert found.haproxy is not None
    expected = classic.keepalived_conf(by_hand.lab, "n2", unicast=True)
    assert found.keepalived.config.decode() == expected
    assert found.haproxy.config.decode() == classic.haproxy_cfg(by_hand.lab)
    assert found.haproxy.path == classic.HAPROXY_CFG
    assert any(path.endswith("/notify.sh") for path in found.keepalived.extra_files)


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "by_hand",
    ["multicast", pytest.param("unicast", marks=pytest.mark.exhaustive)],
    indirect=True,
)
def test_it_is_taken_over_node_by_node_the_holder_last(by_hand: Cluster) -> None:
    before = theirs(by_hand)
    shown = by_hand.ok("plan", "--adopt").out
    assert "notify /container/service/keepalived/assets/notify.sh" in shown
    assert "-    maxconn 5000" in shown
    with probing(by_hand) as probe:
        document = by_hand.ok("up", "--adopt", "--json").document
    assert [turn["node"] for turn in document["plan"]][:3] == ["n2", "n3", "n1"]
    assert probe.failed == []
    assert by_hand.up()["changes"] == 0
    assert len(by_hand.holders()) == 1
    for node in by_hand.lab.nodes:
        stopped = "docker ps --all --format '{{.Names}} {{.State}}'"
        assert f"{classic.HAPROXY} exited" in by_hand.node(node, stopped)
        aside = by_hand.node(node, f"cd {ROOT}/adopted && cat haproxy/*.cfg")
        assert aside == classic.haproxy_cfg(by_hand.lab).strip()
        assert by_hand.node(node, f"ls {ROOT}/adopted/keepalived/*notify.sh") != ""
        files = [line for line in before[node].splitlines() if "/etc/haproxy" in line]
        assert files == [line for line in theirs(by_hand)[node].splitlines() if "/etc/" in line]
    # Neither the engine nor a reboot brings the old one back.
    by_hand.lab.restart_docker("n2")
    eventually(lambda: by_hand.run("verify").code == 0, "ours alone is back", 60)
    for secret in (classic.PASSWORD, "canary"):
        assert secret not in shown


@MULTICAST
@pytest.mark.parametrize(
    "name", [classic.HAPROXY, pytest.param("another", marks=pytest.mark.exhaustive)]
)
def test_where_ours_fails_the_old_one_comes_back(by_hand: Cluster, name: str) -> None:
    by_hand.inventory["containers"] = {"haproxy": name}
    by_hand.inventory["templates"] = extra_bind(7777)
    before = theirs(by_hand)
    with port_taken(by_hand, "n3", 7777), probing(by_hand) as probe:
        result = by_hand.run("up", "--adopt", "--json", *UNCHECKED)
        assert result.code == 1
        assert result.document["nodes"] == {"n2": "new", "n3": "restored", "n1": "untouched"}
        assert by_hand.holders() == ["n1"]
        status = by_hand.run("status", "--json").document["status"]
        assert status["verdict"] == "degraded", "the holder that was set up by hand serves"
    assert probe.failed == []
    assert theirs(by_hand)["n3"] == before["n3"]
    policy = "docker inspect --format '{{.HostConfig.RestartPolicy.Name}}' " + classic.HAPROXY
    assert by_hand.node("n3", policy) == "always"
    with probing(by_hand) as probe:
        by_hand.ok("up", "--adopt")
    assert probe.failed == []
    assert by_hand.up()["changes"] == 0


@MULTICAST
@pytest.mark.exhaustive
@pytest.mark.parametrize("moment", ["n1 stopping", "n2 stopping"])
def test_a_take_over_that_was_killed_is_finished_by_the_next(by_hand: Cluster, moment: str) -> None:
    with probing(by_hand) as probe:
        assert by_hand.accident("kill", moment, "up", "--adopt").code == -9
        by_hand.ok("up", "--adopt", "--lock-wait", "60")
    assert probe.failed == []
    assert by_hand.up()["changes"] == 0


def test_the_private_key_and_the_link_of_a_stranger_are_not_followed(fresh: Cluster) -> None:
    with classic.by_hand(fresh.lab):
        fresh.node("n1", "printf -- '-----BEGIN PRIVATE KEY-----\\n' >/etc/haproxy/site.pem")
        fresh.node("n1", "ln -s /etc/shadow /etc/haproxy/errors.http; echo ok >/etc/haproxy/list")
        found = recognise(inventory(fresh), look(fresh, "n1"))
        assert found is not None
        assert found.haproxy is not None
        # What the link means in the container, where there is no such file.
        assert found.haproxy.extra_files == {"/etc/haproxy/list": b"ok\n"}
        assert found.haproxy.unread == ("/etc/haproxy/site.pem",)


def test_other_ways_of_starting_the_two_are_read_too(fresh: Cluster) -> None:
    fresh.lab.load_images(classic.HAPROXY_IMAGE, "osixia/keepalived:2.3.3")
    haproxy = classic.haproxy_cfg(fresh.lab).replace("daemon", "chroot /var/lib/haproxy")
    keepalived = classic.keepalived_conf(fresh.lab, "n1", unicast=False)
    for path, content in (("ha/conf.d/a.cfg", haproxy), ("ka/keepalived.conf", keepalived)):
        script = f"mkdir -p /srv/{path.rpartition('/')[0]} && cat >/srv/{path}"
        fresh.lab.exec("n1", ["sh", "-c", script], input=content)
    # A folder of files by a relative name, and a program that sees none of it any more.
    fresh.node(
        "n1",
        f"""docker run -d --net=host --user root --entrypoint haproxy -w /srv \
            -v /srv/ha:/srv/ha:ro {classic.HAPROXY_IMAGE} -db -f ha/conf.d
        docker run -d --net=host --cap-add NET_ADMIN --cap-add NET_BROADCAST --cap-add NET_RAW \
            -v /srv/ka:/etc/keepalived osixia/keepalived:2.3.3""",
    )
    try:
        eventually(lambda: recognise(inventory(fresh), look(fresh, "n1")), "both run")
        found = recognise(inventory(fresh), look(fresh, "n1"))
        assert found is not None
        assert found.haproxy is not None
        assert found.haproxy.path == "/srv/ha/conf.d/a.cfg"
        assert found.haproxy.config.decode() == haproxy
        assert found.keepalived.path == "/etc/keepalived/keepalived.conf"
        assert found.keepalived.config.decode() == keepalived
    finally:
        fresh.node(
            "n1", "docker ps -q | xargs -r docker stop -t 5; docker ps -qa | xargs docker rm"
        )
        fresh.node("n1", "rm -r /srv/ha /srv/ka")


@pytest.mark.exhaustive
@UNICAST
def test_what_an_earlier_adoption_left_is_not_overwritten(
    by_hand: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VRRP_PASSWORD", classic.PASSWORD)
    by_hand.inventory["containers"] = {"haproxy": classic.HAPROXY}
    older = f"docker create --name {classic.HAPROXY}.by-hand {classic.HAPROXY_IMAGE}"
    by_hand.node(
        "n2", f"{older}; mkdir -p {ROOT}/adopted/haproxy; echo x >{ROOT}/adopted/haproxy/x"
    )
    by_hand.ok("up", "--adopt", "--yes")
    names = by_hand.node("n2", "docker ps --all --format '{{.Names}} {{.State}}'").splitlines()
    assert f"{classic.HAPROXY}.by-hand created" in names
    assert f"{classic.HAPROXY}.by-hand-2 exited" in names
    assert f"{classic.HAPROXY} running" in names
    kept = by_hand.node("n2", f"cd {ROOT}/adopted; ls haproxy-2; ls haproxy").split()
    assert kept[0] == "x"
    assert "container.json" in kept
