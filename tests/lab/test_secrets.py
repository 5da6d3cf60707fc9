"""A secret is in the one file that needs it, and shows up nowhere else."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.harness import HAPROXY, KEEPALIVED, ROOT, Cluster, eventually
from tests.lab.test_support import read

# As long as VRRP takes; the second is what the first is changed to.
CANARY, OTHER = "cAn4ry-1", "cAn4ry-2"
MARK = "cAn4ry"
# The same for grep, whose own command line is watched, too.
PATTERN = "cAn[4]ry"
CONF = f"{ROOT}/keepalived/keepalived.conf"
WHERE = "/etc /root /home /run /tmp /var/log /var/lib/docker/containers /var/spool"


class Watch:
    """What the process list of all nodes and of this machine has ever shown of the mark."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self._stop = threading.Event()

    def run(self) -> None:
        """Until `stop`; the lab's nodes are this machine's processes."""
        mark = MARK.encode()
        while not self._stop.wait(0.01):
            for process in Path("/proc").glob("[0-9]*"):
                for name in ("cmdline", "environ"):
                    with contextlib.suppress(OSError):
                        found = (process / name).read_bytes()
                        if mark in found:
                            self.seen.add(found.replace(b"\0", b" ").decode(errors="replace"))

    def stop(self) -> None:
        """End it."""
        self._stop.set()


@contextlib.contextmanager
def watching() -> Iterator[Watch]:
    """The process list, for as long as the body lasts; it is shown first that it would be seen."""
    watch = Watch()
    thread = threading.Thread(target=watch.run)
    thread.start()
    try:
        with subprocess.Popen(
            (sys.executable, "-c", "input()", MARK),
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ):
            eventually(lambda: watch.seen, "a secret on a command line is seen")
        watch.seen.clear()
        yield watch
    finally:
        watch.stop()
        thread.join()


@pytest.fixture
def home(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where hadeploy writes on this machine, if it writes anything."""
    home = cluster.folder / "home"
    for name in ("TMPDIR", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        (home / name).mkdir(parents=True)
        monkeypatch.setenv(name, str(home / name))
    return home


def with_password(cluster: Cluster, password: str) -> None:
    secret = cluster.folder / "password"
    secret.touch(mode=0o600)
    secret.write_text(password)
    cluster.inventory["vrrp"] = {"password": f"file:{secret}"}


def files_with_it(cluster: Cluster, node: str) -> dict[str, str]:
    """Mode and owner of every file on a node that holds the mark."""
    found = cluster.node(
        node,
        f"grep -rlaI --binary-files=text --devices=skip {PATTERN} {WHERE} 2>/dev/null"
        " | xargs -r stat --format '%n %a %U'",
        check=False,
    )
    return {line.split()[0]: line.split(maxsplit=1)[1] for line in found.splitlines()}


def test_a_canary_is_in_one_file_alone(fresh: Cluster, home: Path) -> None:
    said: list[str] = []

    def run(*arguments: str, code: int = 0) -> None:
        result = fresh.run(*arguments)
        assert result.code == code, result.err
        said.extend((result.out, result.err))

    with watching() as watch:
        with_password(fresh, CANARY)
        run("check", "--debug")
        run("plan", "--debug")
        run("up", "--debug")
        run("verify", "--json", "--debug")
        for node in fresh.lab.nodes:
            assert files_with_it(fresh, node) == {CONF: "600 root"}
        with_password(fresh, OTHER)
        run("plan", "--json")
        run("plan")
        run("up", "--json", "--debug")
        page = fresh.folder / "report.html"
        run("drill", "--yes", "--timeline", "--report", str(page))
        said.append(page.read_text())
        assert "auth_pass (redacted)" in said[-1]
        kept = dict.fromkeys((CONF, CONF.replace(ROOT, f"{ROOT}/.previous")), "600 root")
        for node in fresh.lab.nodes:
            assert files_with_it(fresh, node) == kept
            for command in ("inspect", "logs"):
                for container in (HAPROXY, KEEPALIVED):
                    said.append(fresh.node(node, f"docker {command} {container} 2>&1"))
        run("status", "--json", "--debug")
        run("logs", "--tail", "1000", "--debug")
        archive = fresh.folder / "support.tar.gz"
        # With all that --debug tells of a failure.
        fresh.node("n2", f"docker pause {KEEPALIVED}")
        run("verify", "--debug", "--timeout", "1", code=4)
        run("support", "--output", str(archive), "--debug")
        fresh.node("n2", f"docker unpause {KEEPALIVED}")
        files = read(archive)
        assert "auth_pass (redacted)" in files["nodes/n1/keepalived.conf"]
        said.extend(f"{name}\n{text}" for name, text in files.items())
        run("render", "--output", str(fresh.folder / "rendered"))
        run("down", "--yes", "--debug")
    assert watch.seen == set()
    assert not [text for text in said if MARK in text]
    assert "(redacted; it changes)" in "".join(said)
    rendered = [p for p in (fresh.folder / "rendered").rglob("*") if p.is_file()]
    holding = [p for p in rendered if MARK in p.read_text()]
    assert {p.stat().st_mode & 0o777 for p in holding} <= {0o600}
    assert not [p for p in home.rglob("*") if p.is_file() and MARK.encode() in p.read_bytes()]
