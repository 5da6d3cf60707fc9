"""What was brought up stays up."""

from __future__ import annotations

import socket
import subprocess

import pytest

from tests.lab.faults import POWER_CUT
from tests.lab.harness import HAPROXY, KEEPALIVED, Cluster, eventually
from tests.lab.traffic import probing


def both_run(cluster: Cluster, node: str) -> bool:
    """Whether both containers run on the node."""
    names = cluster.node(
        node, "docker ps --filter status=running --format '{{.Names}}'", check=False
    )
    return set(names.split()) >= {HAPROXY, KEEPALIVED}


def test_both_containers_run_after_a_reload_and_a_restart_of_docker(served: Cluster) -> None:
    served.inventory["listeners"] = [{"timeouts": {"connect": "4s"}}]
    served.inventory["vrrp"] = {"check": {"rise": 3}}
    steps = {s["action"] for n in served.up()["plan"] for s in n["steps"]}
    assert "reload-container" in steps
    served.lab.restart_docker("n2")
    eventually(lambda: both_run(served, "n2"), "both containers run again")
    served.ok("verify")


def test_both_containers_run_after_a_reload_and_a_power_cut(served: Cluster) -> None:
    (holder,) = served.holders()
    served.inventory["listeners"] = [{"timeouts": {"connect": "3s"}}]
    served.up()
    served.lab.reboot(holder)
    eventually(lambda: both_run(served, holder), "both containers run again")
    served.ok("verify")
    assert served.up()["changes"] == 0


@pytest.mark.parametrize(
    ("node", "moment"),
    [
        ("holder", "handing over"),
        pytest.param("backup", "recreating", marks=pytest.mark.exhaustive),
        pytest.param("backup", "proving", marks=pytest.mark.exhaustive),
    ],
)
@pytest.mark.exhaustive
def test_a_node_that_restarts_before_its_haproxy_has_new_limits_runs_the_former_one(
    served: Cluster, node: str, moment: str
) -> None:
    # The default needs more open files than this container has.
    served.inventory["haproxy"] = {"maxconn": 1000}
    served.up()
    (holder,) = served.holders()
    named = holder if node == "holder" else next(n for n in served.lab.nodes if n != holder)
    former = served.node(named, f"docker inspect --format '{{{{.Id}}}}' {HAPROXY}")
    del served.inventory["haproxy"]
    cut = POWER_CUT.command(served.lab, named, POWER_CUT.inject)
    with probing(served) as probe:
        result = served.accident(f"shell:{cut}", f"{named} {moment}", "up")
        assert result.code == 1, result.err
        on = POWER_CUT.command(served.lab, named, POWER_CUT.heal)
        subprocess.run(["sh", "-c", on], check=True)
        each = "docker ps --all --filter name=haproxy --format '{{.ID}}' --no-trunc"
        facts = "{{.Id}} {{.State.Status}} {{.RestartCount}}"
        inspect = f"docker inspect --format '{facts}' $({each})"

        def settled() -> bool:
            """Each container runs or does not; none starts again and again."""
            found = [line.split() for line in served.node(named, inspect).splitlines()]
            states = {state for _, state, _ in found}
            return states <= {"running", "exited", "created"} and "0" in {n for *_, n in found}

        eventually(settled, "the containers run, or do not")
        if node == "holder":
            listening = f"{inspect} && ss -Hltn sport = :9443"
            eventually(lambda: ":9443" in served.node(named, listening), "haproxy listens")
            assert f"{former} running 0" in served.node(named, inspect)
        assert "Cannot raise FD limit" not in served.node(named, f"docker logs {HAPROXY} 2>&1; :")
        served.ok("up", "--lock-wait", "120")
    assert served.up()["changes"] == 0
    # What was sent to its API server at that moment is not answered.
    assert probe.silence < 8
    served.ok("verify")


@pytest.mark.exhaustive
def test_a_saturated_listener_does_not_move_the_vip(served: Cluster) -> None:
    served.inventory["haproxy"] = {"maxconn": 100}
    served.up()
    (holder,) = served.holders()
    transitions = f"docker logs {KEEPALIVED} 2>&1 | grep -c 'Entering'"
    before = served.node(holder, transitions)

    def connect() -> socket.socket:
        """Begun, not waited for: what does not fit stays in the listener's backlog, or outside."""
        connection = socket.socket()
        connection.setblocking(False)
        connection.connect_ex((served.lab.vip, 9443))
        return connection

    connections = [connect() for _ in range(400)]
    try:
        eventually(lambda: served.node(holder, SESSIONS) == "100", "the listener is full")
        # Longer than the check's interval and timeout together, several times over.
        answers = [served.node(holder, CHECK) for _ in range(12)]
        assert answers == ["0"] * 12
        assert served.holders() == [holder]
        assert served.node(holder, transitions) == before
    finally:
        for connection in connections:
            connection.close()


SESSIONS = (
    "curl --silent 'http://127.0.0.1:19443/stats;csv' | grep ^kube-apiserver,FRONTEND | cut -d, -f5"
)
CHECK = f"docker exec {KEEPALIVED} /etc/keepalived/check-haproxy.sh; echo $?; sleep 0.5"
