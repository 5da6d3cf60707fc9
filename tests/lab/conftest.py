"""One lab for the whole session; each test says in which state it wants the cluster."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hadeploy.lab.lab import Lab
from hadeploy.plan.down import OUR_FILES
from tests.lab.harness import ROOT, Cluster, eventually

# Another name lets two sessions of tests run on one machine; so does each worker of a session.
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
LAB_NAME = os.environ.get("HADEPLOY_TEST_LAB", "test") + WORKER

OURS = " ".join(f"! -path {ROOT}/{path}" for path in OUR_FILES)
# What adopting keeps, and what a test wrote beside our files.
REMOVE_FOREIGN_FILES = f"""
    rm -rf {ROOT}/adopted
    find {ROOT} -path '{ROOT}/.*' -prune -o ! -type d {OURS} -exec rm -f {{}} +"""

# The same one for all folders that have this fixture.
_up: list[Lab] = []


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """Three nodes without images."""
    if not _up:
        Lab.remove(LAB_NAME)
        _up.append(Lab.up(LAB_NAME))
    yield _up[0]
    while _up:
        _up.pop().down()


@pytest.fixture
def cluster(lab: Lab, tmp_path: Path) -> Cluster:
    """The lab's own inventory; the state of the nodes is arbitrary, and all of them run.

    No file of an earlier test is in our folder: `down` would rightly keep it.
    """
    for node in lab.nodes:
        lab.start_node(node)
        lab.link(node, up=True)
        lab.apiserver(node, up=True)
    cluster = Cluster(lab, tmp_path)
    for node in lab.nodes:
        cluster.node(node, REMOVE_FOREIGN_FILES, check=False)
    return cluster


@pytest.fixture
def fresh(cluster: Cluster) -> Cluster:
    """No node has anything of hadeploy or of a test."""
    vips = " ".join(filter(None, (cluster.lab.vip, cluster.lab.vip6)))
    for node in cluster.lab.nodes:
        cluster.node(
            node,
            f"""docker ps --all --quiet | xargs -r docker stop --time 2 >/dev/null
            docker ps --all --quiet | xargs -r docker rm >/dev/null
            rm -rf {ROOT}
            for vip in {vips}; do ip -o address show dev eth0 to $vip; done |
                while read -r _ _ _ address _; do ip address del "$address" dev eth0; done""",
        )
    return cluster


@pytest.fixture
def served(cluster: Cluster) -> Cluster:
    """The cluster is up, from the lab's own inventory."""
    if not backends_up(cluster.up()):
        # A test before this one has stopped API servers; haproxy waits for two good checks.
        eventually(lambda: backends_up(cluster.ok("verify", "--json").document), "backends are up")
    return cluster


def backends_up(document: dict[str, Any]) -> bool:
    """Whether the proof of the backends passes."""
    reported = [proof for proof in document["proofs"] if proof["proof"] == "backends-up"]
    return all(proof["verdict"] == "pass" for proof in reported)
