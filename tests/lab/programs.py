"""The real programs read the rendered files."""

from __future__ import annotations

import subprocess
from pathlib import Path

from pydantic import SecretStr

from hadeploy.desired import layout
from hadeploy.desired.build import desired_nodes
from hadeploy.desired.desired_node import NodeFacts
from hadeploy.desired.templates import environment
from hadeploy.inventory.load import load_inventory

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


def rendered(inventory: Path, folder: Path, password: str = "s3cr#t!x") -> list[Path]:
    """Write every node's files of an inventory, each into a folder of its own.

    Raises:
        InventoryError: the inventory is refused.
    """
    cluster = load_inventory(inventory)
    facts = {node.label: NodeFacts("eth0") for node in cluster.nodes}
    secret = SecretStr(password) if cluster.vrrp.password else None
    folders = []
    for node in desired_nodes(cluster, facts, environment(None), secret).values():
        folders.append(folder / node.node.replace(":", "-"))
        for file in node.files:
            path = folders[-1] / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(file.content)
            path.chmod(file.mode)
    return folders


def haproxy_says(node: Path) -> tuple[int, str]:
    """Exit code and every word of haproxy's check of one node's file, warnings being errors."""
    # What haproxy finds in the container, it finds beside the file here.
    (node / layout.SERVER_STATE).write_text(layout.NO_SERVER_STATE)
    text = (node / layout.HAPROXY_CFG).read_text()
    config = node / "haproxy/here.cfg"
    config.write_text(text.replace(layout.IN_HAPROXY, str(config.parent)))
    return _said("haproxy", "-dW", "-c", "-f", str(config), quiet=True)


def keepalived_says(node: Path) -> tuple[int, str]:
    """Exit code and every word of keepalived's check of one node's file."""
    return _said("unshare", "--net", "--mount", "sh", "-c", KEEPALIVED_TEST, "sh", str(node))


def _said(*command: str, quiet: bool = False) -> tuple[int, str]:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr if quiet else done.stdout + done.stderr
