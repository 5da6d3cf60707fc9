"""Every inventory we have renders into files that the real programs take without a word."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from pydantic import SecretStr

from hadeploy.desired.build import desired_nodes
from hadeploy.desired.model import DesiredNode, NodeFacts
from hadeploy.desired.templates import environment
from hadeploy.inventory.load import load_inventory

TOP = Path(__file__).parents[2]
INVENTORIES = [
    TOP / "inventory.example.yaml",
    *sorted(TOP.glob("examples/*.yaml")),
    *sorted(TOP.glob("tests/inventories/*.yaml")),
]

# keepalived wants the real interface and the files at their real places: in namespaces of its own
# they can be there, and nothing of it reaches this machine.
KEEPALIVED_TEST = """
set -e
ip link add eth0 type veth peer name other
ip link set eth0 up
mkdir -p /run/hadeploy-test
mount -t tmpfs none /run/hadeploy-test
mkdir /run/hadeploy-test/track
mount --bind "$1/keepalived" /etc/keepalived
sed 's#/etc/keepalived-track#/run/hadeploy-test/track#' /etc/keepalived/keepalived.conf \
    >/run/hadeploy-test/keepalived.conf
keepalived --config-test --use-file=/run/hadeploy-test/keepalived.conf
"""


def rendered(inventory: Path, folder: Path) -> list[DesiredNode]:
    """Every node's files of an inventory, written below the folder."""
    cluster = load_inventory(inventory)
    facts = {node.label: NodeFacts("eth0") for node in cluster.nodes}
    password = SecretStr("s3cr#t!x") if cluster.vrrp.password else None
    nodes = list(desired_nodes(cluster, facts, environment(None), password).values())
    for node in nodes:
        for file in node.files:
            path = folder / node.node.replace(":", "-") / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(file.content)
            path.chmod(file.mode)
    return nodes


@pytest.mark.parametrize("inventory", INVENTORIES, ids=lambda path: path.stem)
def test_haproxy_takes_the_file_without_a_warning(inventory: Path, tmp_path: Path) -> None:
    for node in rendered(inventory, tmp_path):
        config = tmp_path / node.node.replace(":", "-") / "haproxy/haproxy.cfg"
        done = subprocess.run(
            ["haproxy", "-dW", "-c", "-f", str(config)], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("inventory", INVENTORIES, ids=lambda path: path.stem)
def test_keepalived_takes_the_file_without_a_word(inventory: Path, tmp_path: Path) -> None:
    for node in rendered(inventory, tmp_path):
        folder = tmp_path / node.node.replace(":", "-")
        done = subprocess.run(
            ["unshare", "--net", "--mount", "sh", "-c", KEEPALIVED_TEST, "sh", str(folder)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout + done.stderr) == (0, "")
