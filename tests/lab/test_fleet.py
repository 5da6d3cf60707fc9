"""Several clusters in one call: two of one node each, and one that is unreachable."""

from __future__ import annotations

import copy
import io
import itertools
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from hadeploy.lab.lab import Lab
from tests.lab import fleet_examples
from tests.lab.harness import Cluster, Result, eventually, finish

NODES = {"east": "n1", "west": "n2"}
turn = itertools.count(30)


@dataclass
class Fleet:
    """Inventories of a lab's single nodes in one folder, and one beside it."""

    lab: Lab
    folder: Path

    @property
    def fleet(self) -> str:
        return str(self.folder / "fleet")

    @property
    def lost(self) -> str:
        """A cluster whose node has no sshd where it is looked for."""
        return str(self.folder / "lost.yaml")

    def write(self) -> None:
        """All inventories anew, with a change to be made."""
        text = Path(self.lab.environment["HADEPLOY_INVENTORY"]).read_text()
        base = YAML(typ="safe").load(text)
        by_name = {node["name"]: node for node in base["nodes"]}
        network = self.lab.vip.rpartition(".")[0]
        haproxy = {"hard_stop_after": f"{next(turn)}s"}
        Path(self.fleet).mkdir(exist_ok=True)
        for number, (name, node) in enumerate(NODES.items()):
            self._write(
                Path(self.fleet) / f"{name}.yaml",
                {
                    **base,
                    "name": name,
                    "vip": f"{network}.{110 + number}",
                    "nodes": [by_name[node]],
                    "vrrp": {"virtual_router_id": 110 + number},
                    "haproxy": haproxy,
                },
            )
        lost = {"name": "lost", "vip": f"{network}.119", "nodes": [by_name["n3"]]}
        self._write(Path(self.lost), {**base, **lost, "ssh": {**base["ssh"], "port": 1}})

    def _write(self, file: Path, inventory: object) -> None:
        text = io.StringIO()
        YAML(typ="safe", pure=True).dump(copy.deepcopy(inventory), text)
        file.write_text(text.getvalue())

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "hadeploy", *arguments]

    def run(self, *arguments: str) -> Result:
        return finish(*self.command(*arguments))

    def ok(self, *arguments: str) -> Result:
        result = self.run(*arguments)
        assert result.code == 0, result.out + result.err
        return result

    def node(self, node: str, script: str) -> str:
        return self.lab.exec(node, ["sh", "-c", script], check=False).stdout.strip()

    def untouched(self) -> dict[str, str]:
        """What no run has changed, if it is the same afterwards."""
        script = """docker ps --all --no-trunc --format '{{.ID}} {{.Status}}' | cut -d' ' -f1,2
            find /etc/hadeploy ! -name server-state -exec stat -c '%n %Z' {} +"""
        return {node: self.node(node, script) for node in NODES.values()}

    def locked(self) -> list[str]:
        return [node for node in NODES.values() if self.node(node, "ls /run/hadeploy/*.lock")]

    def processes(self) -> list[int]:
        """The processes of clusters of this fleet."""
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if b"cli.fleet_member" in words and str(self.folder).encode() in words:
                found.append(int(entry.name))
        return found


@pytest.fixture(scope="module")
def up(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Fleet, Result]]:
    """Two clusters and the call that brought them up; nothing is left for whoever comes next."""
    folder = tmp_path_factory.mktemp("fleet")
    for node in lab.nodes:
        lab.start_node(node)
        lab.link(node, up=True)
    Cluster(lab, folder).ok("down", "--yes")
    made = Fleet(lab, folder)
    made.write()
    yield made, made.run("--json", "up", "-i", made.fleet)
    made.ok("down", "--yes", "-i", made.fleet)
    assert "-haproxy" not in "".join(made.untouched().values())


@pytest.fixture
def fleet(up: tuple[Fleet, Result]) -> Fleet:
    """Two clusters that are up, and have a change to be made."""
    made, _ = up
    made.write()
    return made


def test_all_clusters_come_up_in_one_call(up: tuple[Fleet, Result]) -> None:
    made, first = up
    clusters = first.document["clusters"]
    assert [(c["cluster"], c["exit_code"]) for c in clusters] == [("east", 0), ("west", 0)]
    for cluster, (name, node) in zip(clusters, NODES.items(), strict=True):
        assert cluster["inventory"] == f"{made.fleet}/{name}.yaml"
        assert cluster["document"]["changes"] > 5
        held = [p for p in cluster["document"]["proofs"] if p["proof"] == "vip-held-once"]
        assert [proof["verdict"] for proof in held] == ["pass"]
        assert f"{name}-haproxy" in made.node(node, "docker ps --format '{{.Names}}'")


def test_lines_are_distinguished_and_the_table_has_all(fleet: Fleet) -> None:
    result = fleet.ok("up", "-i", fleet.fleet)
    for name in NODES:
        assert f"{name} | == Verify\n" in result.err
        assert f"\n{name} ({fleet.fleet}/{name}.yaml)\n" in result.out
        assert re.search(rf"{name}\.yaml +{name} +applied and verified +0 +\d", result.out)
    assert result.out.endswith("2 clusters: 2 applied and verified\n")
    assert fleet.ok("status", "-i", fleet.fleet).out.count("healthy;") == len(NODES)


def test_changes_that_are_to_be_made_are_no_failure(fleet: Fleet) -> None:
    inventories = [f"{fleet.fleet}/{name}.yaml" for name in NODES]
    fleet.ok("up", "-i", inventories[0])
    named = [word for file in inventories for word in ("-i", file)]
    plan = fleet.ok("plan", *named)
    assert re.search(r"east +no changes +0 ", plan.out)
    assert re.search(r"west +changes pending +0 ", plan.out)
    pending = fleet.run("plan", "--exit-code", "--json", *named)
    assert [c["exit_code"] for c in pending.document["clusters"]] == [0, 5]
    assert pending.code == 5


def test_one_that_cannot_be_reached_does_not_stop_the_others(fleet: Fleet) -> None:
    result = fleet.run("up", "-i", fleet.lost, "-i", fleet.fleet)
    assert result.code == 3
    assert re.search(r"lost +unreachable or checks failed, nothing changed +3 ", result.out)
    assert "3 clusters: 2 applied and verified; 1 unreachable" in result.out
    assert result.err.count("error: ") == 1, "told once, in full, at the end"
    assert f"\nlost ({fleet.lost})\nerror: " in result.err
    assert result.err.rstrip().splitlines()[-1].startswith("  next: ")


def test_with_fail_fast_no_cluster_starts_after_a_failure(fleet: Fleet) -> None:
    before = fleet.untouched()
    named = ["-i", fleet.lost, "-i", fleet.fleet, "--concurrency", "1", "--fail-fast"]
    result = fleet.run("up", "--json", *named)
    assert result.code == 3
    clusters = result.document["clusters"]
    assert [c["exit_code"] for c in clusters] == [3, None, None]
    assert [c["document"] is None for c in clusters] == [False, True, True]
    assert clusters[0]["document"]["errors"][0]["node"]
    assert fleet.untouched() == before


def test_a_mistake_in_one_file_touches_nothing_anywhere(fleet: Fleet) -> None:
    before = fleet.untouched()
    bad = Path(fleet.fleet) / "zz.yaml"
    bad.write_text("vip: nonsense\n")
    try:
        result = fleet.run("up", "--json", "-i", fleet.fleet)
    finally:
        bad.unlink()
    assert result.code == 2
    assert "vip: " in result.document["errors"][0]["message"]
    assert [c["exit_code"] for c in result.document["clusters"]] == [None, None, None]
    assert fleet.untouched() == before


@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.exhaustive)]
)
def test_an_interrupted_fleet_finishes_the_nodes_in_hand(
    fleet: Fleet, number: signal.Signals
) -> None:
    command = fleet.command("up", "--json", "--concurrency", "1", "-i", fleet.fleet)
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout
        assert process.stderr
        reported = []
        for line in process.stderr:
            reported.append(line)
            if "east | … n1: reloading" in line:
                # As a terminal does: to all of its processes.
                os.killpg(process.pid, number)
        result = Result(process.wait(60), process.stdout.read(), "".join(reported))
    assert result.code == 130, result.err
    assert result.err.count("interrupted: finishing the current nodes") == 1
    assert "n1: 3 changes applied and proven" in result.err
    east, west = result.document["clusters"]
    (stopped,) = east["document"]["errors"]
    assert stopped["detail"] == "n1: new configuration"
    assert west["exit_code"] is None
    assert fleet.processes() == []
    assert fleet.locked() == []


def test_a_fleet_that_is_killed_leaves_no_process(fleet: Fleet) -> None:
    with subprocess.Popen(
        fleet.command("up", "-i", fleet.fleet),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr
        next(line for line in process.stderr if "checking the haproxy" in line)
        assert fleet.processes()
        process.kill()
    eventually(lambda: not fleet.processes(), "each cluster's process has ended by itself", 60)
    # A script that was at work gives the lock back when it has ended.
    eventually(lambda: not fleet.locked(), "the locks are released", 15)
    fleet.ok("up", "-i", fleet.fleet)


def engine(fleet: Fleet) -> dict[str, str]:
    """The environment in which an engine finds hadeploy."""
    programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return {**os.environ, "PATH": programs, "GITHUB_OUTPUT": str(fleet.folder / "output")}


def test_the_example_of_a_ci_matrix_runs(fleet: Fleet) -> None:
    first, each = fleet_examples.ci_scripts()
    environment = engine(fleet)
    output = Path(environment["GITHUB_OUTPUT"])
    output.write_text("")
    shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"]
    subprocess.run([*shell, first], cwd=fleet.folder, env=environment, check=True, timeout=60)
    key, _, matrix = output.read_text().strip().partition("=")
    assert (key, json.loads(matrix)) == ("inventories", [f"fleet/{name}.yaml" for name in NODES])
    for inventory in json.loads(matrix):
        environment["INVENTORY"] = inventory
        subprocess.run([*shell, each], cwd=fleet.folder, env=environment, check=True, timeout=120)
        document = json.loads((fleet.folder / "result.json").read_text())
        assert document["exit_code"] == 0
        assert document["changes"] == 3


def test_the_commands_of_the_other_examples_run(fleet: Fleet) -> None:
    east, west = (f"{fleet.fleet}/{name}.yaml" for name in NODES)
    job = [
        word.replace("/fleet/", f"{fleet.fleet}/") for word in fleet_examples.job_command("east")
    ]
    assert f"--inventory={east}" in job
    for words in (job, fleet_examples.awx_command(west)):
        done = subprocess.run(
            words, env=engine(fleet), capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["changes"] == 3
