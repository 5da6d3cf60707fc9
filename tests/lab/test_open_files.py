"""haproxy starts with its container's limit of open files for every inventory."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hadeploy.desired.containers import haproxy_container
from hadeploy.inventory.load import load_inventory
from tests.lab.harness import eventually
from tests.lab.programs import haproxy_says, rendered

NODES = ["198.51.100.11", "198.51.100.12", "198.51.100.13"]
START_SECONDS = 20
# The limit of the container, in a network and with a /tmp of its own.
START = """
mount --bind "$2" /mnt
mount -t tmpfs none /tmp
ip link set lo up
exec prlimit --nofile="$1:$1" haproxy -db -f /mnt/here.cfg
"""
SOCKET = "root/tmp/haproxy.sock"


def listener(number: int, servers: int) -> dict[str, Any]:
    backends = [
        {"address": "127.0.0.1", "port": 10_000 + i, "name": f"s{i}"} for i in range(servers)
    ]
    return {"name": f"l{number}", "port": 30_000 + number, "backends": backends}


@contextmanager
def started(limit: int, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """The real haproxy; ended afterwards."""
    command = ["unshare", "--net", "--mount", "sh", "-c", START, "sh", str(limit), str(folder)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def serves(process: subprocess.Popen[str]) -> bool:
    """Whether it has come so far that its stats socket is there; False as soon as it has ended."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if Path(f"/proc/{process.pid}/{SOCKET}").exists():
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize(
    ("listeners", "servers", "threads"),
    [(1, 3, 64), (1, 300, 64), (1, 1500, 1), (20, 100, 64)],
)
def test_haproxy_starts_with_its_limit(
    listeners: int, servers: int, threads: int, tmp_path: Path
) -> None:
    inventory = tmp_path / "inventory.json"
    document = {
        "vip": "198.51.100.100",
        "nodes": NODES,
        "listeners": [listener(i, servers) for i in range(listeners)],
        "haproxy": {"nbthread": threads},
    }
    inventory.write_text(json.dumps(document, indent=1))
    limit = haproxy_container(load_inventory(inventory)).nofile
    node = rendered(inventory, tmp_path)[0]
    assert haproxy_says(node) == (0, "")
    assert limit is not None
    with started(limit, node / "haproxy") as process:
        assert serves(process), process.stderr and process.stderr.read()
        tasks = Path(f"/proc/{process.pid}/task")
        eventually(lambda: len(list(tasks.iterdir())) == threads, "all threads run")
    # The test would see a limit that is too low.
    with started(100, node / "haproxy") as process:
        assert not serves(process)
        assert process.stderr is not None
        assert "Cannot raise FD limit" in process.stderr.read()
