"""A change is rolled out under traffic, and no connection through the VIP fails."""

from __future__ import annotations

import shlex

import pytest

from hadeploy.lab.images.store import ensure_image
from tests.lab.harness import HAPROXY, KEEPALIVED, ROOT, Cluster
from tests.lab.traffic import probing


def roll(cluster: Cluster) -> set[str]:
    """Bring a change out under traffic; the actions that it took."""
    with probing(cluster) as probe:
        document = cluster.up()
    assert probe.done > 50
    assert probe.failed == []
    return {step["action"] for node in document["plan"] for step in node["steps"]}


def test_a_haproxy_setting_is_rolled_out_without_a_failure(served: Cluster) -> None:
    served.inventory["listeners"] = [{"balance": "roundrobin"}]
    assert roll(served) == {"write-file", "reload-container", "write-record"}


def test_a_priority_is_rolled_out_without_a_failure(served: Cluster) -> None:
    served.inventory["nodes"][2]["priority"] = 245
    assert "reload-container" in roll(served)


def test_an_haproxy_image_is_rolled_out_without_a_failure(served: Cluster) -> None:
    newer = "haproxy:3.0.11"
    served.inventory["images"]["haproxy"] = {
        "reference": newer,
        "archive": str(ensure_image(newer)),
    }
    (holder,) = served.holders()
    actions = roll(served)
    assert {"handover", "recreate-container", "finish-handover"} <= actions
    assert served.holders() != [holder]
    for node in served.lab.nodes:
        assert (
            served.node(node, f"docker inspect --format '{{{{.Config.Image}}}}' {HAPROXY}") == newer
        )


def test_a_keepalived_image_is_rolled_out_without_a_failure(served: Cluster) -> None:
    newer = "osixia/keepalived:2.3.3"
    served.inventory["images"]["keepalived"] = {
        "reference": newer,
        "archive": str(ensure_image(newer)),
    }
    assert {"handover", "recreate-container", "finish-handover"} <= roll(served)
    for node in served.lab.nodes:
        image = served.node(node, f"docker inspect --format '{{{{.Config.Image}}}}' {KEEPALIVED}")
        assert image == newer


def test_with_preempt_the_vip_is_handed_back(served: Cluster) -> None:
    served.ok("drain", "n1")
    served.ok("undrain", "n1")
    assert served.holders() != ["n1"]
    # It moves by a handover when preemption is turned on, too.
    served.inventory["vrrp"] = {"preempt": True}
    assert "reload-container" in roll(served)
    assert served.holders() == ["n1"]
    served.ok("drain", "n1")
    with probing(served) as probe:
        served.ok("undrain", "n1")
    assert probe.failed == []
    assert served.holders() == ["n1"]
    served.inventory["haproxy"] = {"maxconn": 900}
    assert "handover" in roll(served)
    assert served.holders() == ["n1"]


def test_without_a_healthy_successor_the_holder_is_not_touched(served: Cluster) -> None:
    (holder,) = served.holders()
    others = [node for node in served.lab.nodes if node != holder]
    for node in others:
        served.node(node, "echo 1 >/etc/hadeploy/kube-lb/track/drain")
    served.inventory["haproxy"] = {"maxconn": 950}
    container = served.containers()[holder]
    try:
        result = served.run("up")
        assert result.code == 1
        assert "no healthy node could take over the VIP" in result.err
        assert served.containers()[holder] == container
        assert served.holders() == [holder]
    finally:
        for node in others:
            served.node(node, "echo 0 >/etc/hadeploy/kube-lb/track/drain")


@pytest.mark.parametrize("where", ["holder", "other"])
def test_a_handover_of_an_interrupted_run_is_finished(served: Cluster, where: str) -> None:
    (holder,) = served.holders()
    node = holder if where == "holder" else next(n for n in served.lab.nodes if n != holder)
    served.node(node, "echo 1 >/etc/hadeploy/kube-lb/track/handover")
    steps = {s["action"] for n in served.up()["plan"] for s in n["steps"]}
    assert steps == {"finish-handover", "write-record"}
    assert served.up()["changes"] == 0


# Another program takes the port when haproxy ends, until Docker waits 6 s before the next start.
TAKE_PORT = """
import socket
while True:
    try:
        taken = socket.create_server(("", 9443))
        break
    except OSError:
        pass
print("taken", flush=True)
input()
"""
RESTART_IN_A_LOOP = f"""
    mkfifo /run/taker && exec 9<>/run/taker
    python3 -c {shlex.quote(TAKE_PORT)} <&9 >/run/taken 2>&1 &
    until grep -q taken /run/taken; do
        pid=$(docker inspect --format '{{{{.State.Pid}}}}' {HAPROXY})
        [ "$pid" -eq 0 ] || kill -KILL "$pid"
        sleep 0.5
    done
    form='{{{{.State.Status}}}} {{{{.RestartCount}}}}'
    until docker inspect --format "$form" {HAPROXY} | grep -q 'restarting [6-9]'; do sleep 0.1; done
    echo >&9; wait; rm /run/taker /run/taken"""


def test_a_haproxy_that_restarts_in_a_loop_since_the_plan_is_started(served: Cluster) -> None:
    (holder,) = served.holders()
    node = next(n for n in served.lab.nodes if n != holder)
    argv, environment = served.lab.exec_command(node, ["sh", "-c", RESTART_IN_A_LOOP])
    variables = [f"{key}={value}" for key, value in environment.items()]
    loop = shlex.join(["env", "-i", *variables, *argv])
    served.inventory["haproxy"] = {"hard_stop_after": "77s"}
    result = served.accident(f"shell:{loop}", f"{node} configuration checked", "up")
    assert result.code == 0, result.err
    assert f"{node}: reloading {HAPROXY}" in result.err
    assert served.up()["changes"] == 0


LISTENING = "ss -Hltnp sport = :9443 | grep -o 'pid=[0-9]*' | sort -u | wc -l"


@pytest.mark.exhaustive
def test_a_frozen_worker_leaves_the_port_to_its_successor(served: Cluster) -> None:
    (holder,) = served.holders()
    node = next(n for n in served.lab.nodes if n != holder)
    served.node(node, f"kill -STOP $(docker top {HAPROXY} -o pid | tail -n +3)")
    steps = {s["action"] for turn in served.up()["plan"] for s in turn["steps"]}
    assert steps == {"reload-container", "write-record"}
    assert served.node(node, LISTENING) == "1", "or every second client would wait for ever"
    assert served.up()["changes"] == 0


def test_a_container_recreated_by_hand_is_drift_and_is_repaired(served: Cluster) -> None:
    (holder,) = served.holders()
    node = next(n for n in served.lab.nodes if n != holder)
    served.node(
        node,
        f"""docker stop --time 5 {HAPROXY} && docker rm {HAPROXY}
        docker run --detach --name {HAPROXY} --net host --label hadeploy.cluster=kube-lb \
            --label hadeploy.role=haproxy --volume {ROOT}/haproxy:/usr/local/etc/haproxy:ro \
            haproxy:2.6.12 haproxy -f /usr/local/etc/haproxy/haproxy.cfg""",
    )
    shown = served.ok("plan").out
    assert "drift: recreated on the node" in " ".join(shown.split())
    assert "restart: no -> unless-stopped" in shown
    assert roll(served) == {"recreate-container", "write-record"}
    assert served.up()["changes"] == 0
