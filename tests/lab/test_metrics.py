"""haproxy's exporter and its page on real nodes, and the alerts as Prometheus itself takes them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.lab.harness import Cluster

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "examples" / "prometheus"


@pytest.fixture
def metered(served: Cluster) -> Cluster:
    """A serving cluster whose inventory now has metrics on each node's own address."""
    served.inventory["haproxy"] = {"metrics": {"address": "node"}}
    return served


def get(cluster: Cluster, node: str, path: str, *options: str) -> str:
    """What a node says at the port of the metrics, asked from this machine."""
    place = next(n["address"] for n in cluster.inventory["nodes"] if n["name"] == node)
    command = ["curl", "--silent", "--max-time", "5", *options, f"http://{place}:8404{path}"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def test_metrics_are_added_and_removed_by_a_reload_and_cover_the_backends(metered: Cluster) -> None:
    ids = {node: text.split()[0] for node, text in metered.containers().items()}
    steps = {step["action"] for node in metered.up()["plan"] for step in node["steps"]}
    assert steps == {"write-file", "reload-container", "write-record"}
    for node in metered.lab.nodes:
        reported = get(metered, node, "/metrics")
        for server in metered.lab.nodes:
            labels = f'proxy="kube-apiserver-backend",server="{server}",state="UP"'
            assert f"haproxy_server_status{{{labels}}} 1" in reported
    page = get(metered, "n1", "/stats")
    assert "Statistics Report" in page
    assert 'method="post"' not in page.lower(), "one can look, and press nothing"
    change = ("--data", "s=n1&action=maint&b=kube-apiserver-backend")
    get(metered, "n1", "/stats", *change)
    assert 'server="n1",state="MAINT"} 0' in get(metered, "n1", "/metrics")
    del metered.inventory["haproxy"]
    metered.up()
    assert get(metered, "n1", "/metrics") == ""
    assert {node: text.split()[0] for node, text in metered.containers().items()} == ids


def test_a_port_of_another_program_is_refused(metered: Cluster) -> None:
    metered.inventory["haproxy"]["metrics"]["port"] = 22
    before = metered.snapshot()
    result = metered.run("up", "--json")
    assert result.code == 3
    assert "port 22 is taken by sshd" in result.document["errors"][0]["message"]
    assert metered.snapshot() == before


@pytest.fixture(scope="session")
def promtool(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Prometheus' own judge: this machine's, else out of Debian's package, not installed."""
    found = shutil.which("promtool")
    if found:
        return found
    folder = tmp_path_factory.mktemp("prometheus")
    unpack = (
        "apt-get download prometheus && dpkg-deb --fsys-tarfile *.deb | tar x ./usr/bin/promtool"
    )
    done = subprocess.run(
        ["sh", "-c", unpack], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"no promtool here: {done.stderr[-200:]}")
    return str(folder / "usr/bin/promtool")


def judged(promtool: str, *arguments: str, stdin: str = "") -> str:
    """Its words, if it has none against it."""
    done = subprocess.run(
        [promtool, *arguments], input=stdin, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_alerts_are_taken_and_fire(promtool: str, tmp_path: Path) -> None:
    judged(promtool, "check", "config", str(EXAMPLES / "prometheus.yaml"))
    shutil.copy(EXAMPLES / "alerts.yaml", tmp_path)
    judged(promtool, "test", "rules", str(shutil.copy(HERE / "alerts.test.yaml", tmp_path)))


def test_the_metrics_file_is_one(promtool: str, served: Cluster) -> None:
    file = served.folder / "hadeploy.prom"
    served.ok("status", "--metrics-file", str(file))
    assert judged(promtool, "check", "metrics", stdin=file.read_text()) == ""
    assert file.stat().st_mode & 0o777 == 0o644
    assert {path.name for path in served.folder.iterdir()} == {"hadeploy.prom", "inventory.yaml"}
