"""`status` on real nodes: well, ill, away, and watched."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.lab.harness import HAPROXY, KEEPALIVED, ROOT, Cluster, eventually
from tests.lab.site import sshd
from tests.result_schema import result_schema


def nodes_of(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The status of each node, by name."""
    return {node["node"]: node for node in document["status"]["nodes"]}


def test_the_status_of_a_healthy_cluster_takes_one_exec_per_node(served: Cluster) -> None:
    (holder,) = served.holders()
    with (
        sshd(served, *served.lab.nodes, first="LogLevel VERBOSE"),
        socket.create_connection((served.lab.vip, 9443)),
    ):
        document = served.ok("status", "--json").document
        for node in served.lab.nodes:
            assert served.node(node, "grep -c 'Starting session' /var/log/sshd.log") == "1"
    status = document["status"]
    assert status["verdict"] == "healthy"
    assert status["vips"] == [{"address": served.lab.vip, "holders": [holder], "applied": True}]
    for name, reported in nodes_of(document).items():
        assert reported["configuration"] == "in-sync"
        assert reported["vrrp"]["state"] == ("MASTER" if name == holder else "BACKUP")
        # The nodes try the VIP themselves, just then; on another one a client may be left over from
        # when it had the VIP.
        assert [listener["sessions"] > 0 for listener in reported["listeners"]] == [True] or (
            name != holder
        )
        assert [backend["status"] for backend in reported["backends"]] == ["UP"] * 3
        assert "@" in reported["applied"]["by"]
        for container in reported["containers"]:
            assert container["state"] == "running"
            assert container["version"].startswith(container["image"].rpartition(":")[2])


def test_a_state_that_another_run_removes_is_requested_again(served: Cluster) -> None:
    (holder,) = served.holders()
    # As another that looks at the same node at the same time.
    thief = f"""
        pid=$(docker inspect --format '{{{{.State.Pid}}}}' {KEEPALIVED})
        said=/proc/$pid/root/tmp/keepalived.data
        echo ready
        exec perl -e 'select undef, undef, undef, 0.001 until unlink $ARGV[0]' $said"""
    command, _ = served.lab.exec_command(holder, ["timeout", "60", "sh", "-c", thief])
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as theft:
        assert theft.stdout is not None
        assert theft.stdout.readline() == "ready\n"
        document = served.ok("status", "--json").document
        assert theft.wait() == 0
    assert document["status"]["verdict"] == "healthy"


@pytest.fixture
def undrained(served: Cluster) -> Iterator[Cluster]:
    """A serving cluster; a drained node takes part again afterwards."""
    yield served
    for node in served.lab.nodes:
        served.node(node, f"echo 0 >{ROOT}/track/drain")


def test_what_is_wrong_is_degraded_and_an_outage_is_down(undrained: Cluster) -> None:
    cluster = undrained
    (holder,) = cluster.holders()
    stopped, drained = [node for node in cluster.lab.nodes if node != holder]
    cluster.node(stopped, f"docker stop --time 2 {HAPROXY}; echo '#' >>{ROOT}/haproxy/haproxy.cfg")
    cluster.node(drained, f"echo 1 >{ROOT}/track/drain")

    def reported() -> dict[str, Any]:
        return cluster.run("status", "--json").document

    eventually(lambda: nodes_of(reported())[stopped]["vrrp"]["state"] == "FAULT", "it is noticed")
    result = cluster.run("status", "--json")
    assert result.code == 4
    nodes = nodes_of(result.document)
    assert {node: nodes[node]["configuration"] for node in nodes} == {
        holder: "in-sync",
        stopped: "drifted",
        drained: "in-sync",
    }
    assert [c["state"] for c in nodes[stopped]["containers"]] == ["exited", "running"]
    assert nodes[drained]["drained"] == ["drain"]
    assert {proof for _, proof in result.failures()} >= {"container-running", "takeover-possible"}
    cluster.node(holder, f"docker stop --time 2 {HAPROXY}")
    eventually(lambda: not cluster.holders(), "nobody has the VIP")
    file = cluster.folder / "hadeploy.prom"
    result = cluster.run("status", "--metrics-file", str(file))
    assert result.code == 7
    assert result.out.startswith(f"kube-lb is down; {cluster.lab.vip} on no node\n")
    assert result.err == "", "cron sends whatever is said"
    assert f'vip_holders{{cluster="kube-lb",vip="{cluster.lab.vip}"}} 0\n' in file.read_text()


@contextlib.contextmanager
def watching(cluster: Cluster, **streams: Any) -> Iterator[subprocess.Popen[str]]:
    """`status --watch 1`, which does not outlive the test."""
    process = subprocess.Popen(
        cluster.command(("status --watch 1", *streams.pop("arguments", ()))),
        stdin=subprocess.DEVNULL,
        text=True,
        **streams,
    )
    guard = threading.Timer(120, process.kill)
    guard.start()
    try:
        yield process
    finally:
        guard.cancel()
        process.kill()
        process.wait()


def test_monitoring_survives_a_node_that_restarts(served: Cluster) -> None:
    (holder,) = served.holders()
    other = next(node for node in served.lab.nodes if node != holder)
    documents: list[dict[str, Any]] = []
    with (
        sshd(served, holder, first="LogLevel VERBOSE"),
        watching(served, arguments=["--json"], stdout=subprocess.PIPE) as process,
    ):

        def until(true: Callable[[dict[str, Any]], object]) -> None:
            assert process.stdout
            for line in process.stdout:
                documents.append(json.loads(line))
                if true(documents[-1]):
                    return
            pytest.fail(f"it ended before: {documents[-1]['status']}")

        until(lambda d: d["status"]["verdict"] == "healthy")
        served.lab.stop_node(other)
        until(lambda d: nodes_of(d)[other]["error"])
        assert documents[-1]["exit_code"] == 4
        served.lab.start_node(other)
        until(lambda d: d["status"]["verdict"] == "healthy")
        process.send_signal(signal.SIGINT)
        until(lambda d: d["exit_code"] == 130)
        assert process.wait() == 130
        execs = int(served.node(holder, "grep -c 'Starting session' /var/log/sshd.log"))
    # The last document tells the end, and the look before it may have been cut short.
    assert execs in (len(documents) - 1, len(documents))
    for document in documents:
        result_schema().validate(document)


def test_watching_in_a_terminal_is_in_place(served: Cluster) -> None:
    ours, theirs = pty.openpty()
    with (
        os.fdopen(ours, "rb", buffering=0) as terminal,
        watching(served, stdout=theirs, stderr=theirs) as process,
    ):
        os.close(theirs)
        shown = b""
        while shown.count(b"every 1 s") < 2:
            shown += terminal.read(4096)
        process.send_signal(signal.SIGINT)
        assert process.wait() == 130
    first, _, second = shown.partition(b"every 1 s")
    assert b"is " in first
    assert b"\x1b[1A" in second, "the cursor goes up again"


def test_metrics_that_cannot_be_written_are_reported(cluster: Cluster) -> None:
    file = cluster.folder / "absent" / "hadeploy.prom"
    result = cluster.run("status", "--metrics-file", str(file))
    assert result.code == 1
    assert "writing the metrics: No such file or directory" in result.err
