"""A node that cannot be reached: what is said about it, and about the others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.harness import Cluster


@pytest.fixture
def dark(served: Cluster) -> Iterator[str]:
    """A backup whose SSH server is gone; everything else goes on."""
    (holder,) = served.holders()
    node = next(node for node in served.lab.nodes if node != holder)
    served.inventory["ssh"]["connect_timeout"] = 2
    served.node(node, 'kill "$(cat /run/sshd.pid)"')
    yield node
    served.node(node, "/usr/sbin/sshd -f /etc/ssh/sshd_config -E /var/log/sshd.log")


def test_verify_proves_the_others(served: Cluster, dark: str) -> None:
    result = served.run("verify", "--json", "--timeout", "5")
    assert result.code == 4
    assert result.failures() == [(dark, "node-reachable")]
    proofs = result.document["proofs"]
    assert {p["node"] for p in proofs if p["proof"] == "port-listens"} == {
        node for node in served.lab.nodes if node != dark
    }
    (proof,) = [p for p in proofs if p["proof"] == "node-reachable"]
    assert "Connection refused" in proof["message"]
    assert "it may hold the VIP" in proof["message"]
    shown = served.run("verify", "--timeout", "5")
    assert f"{dark}: connecting to root@" in shown.out
    assert "1 of" in shown.err


def test_status_reports_the_other_nodes(served: Cluster, dark: str) -> None:
    result = served.run("status", "--json")
    assert result.code == 4
    assert result.failures() == [(dark, "node-reachable")]
    status = result.document["status"]
    assert status["verdict"] == "degraded"
    (node,) = [node for node in status["nodes"] if node["error"]]
    assert node["node"] == dark
    assert "Connection refused" in node["error"]


def test_status_when_no_node_can_be_reached(served: Cluster) -> None:
    served.inventory["ssh"]["port"] = 2
    file = served.folder / "hadeploy.prom"
    result = served.run("status", "--json", "--metrics-file", str(file))
    assert result.code == 3
    assert result.document["status"]["verdict"] == "unknown"
    assert 'hadeploy_status{cluster="kube-lb",status="unknown"} 1\n' in file.read_text()


def test_verify_when_no_node_can_be_reached(served: Cluster) -> None:
    served.inventory["ssh"]["port"] = 2
    result = served.run("verify", "--json")
    assert result.code == 3
    assert len(result.document["errors"]) == 3


def test_down_without_a_confirmation_lists_what_it_would_remove(served: Cluster, dark: str) -> None:
    before = served.snapshot()
    result = served.run("down", "--yes", "--json")
    assert result.code == 3
    assert [error["node"] for error in result.document["errors"]] == [dark]
    planned = {n["node"] for n in result.document["plan"] if n["steps"]}
    assert planned == {node for node in served.lab.nodes if node != dark}
    assert "Not removed yet from the reachable nodes:" in result.err
    assert "kube-lb-haproxy" in result.err
    assert served.snapshot() == before
