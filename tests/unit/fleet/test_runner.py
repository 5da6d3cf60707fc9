"""Processes of clusters, with commands that need no node."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hadeploy.cli.fleet_member import command_line
from hadeploy.errors import ExitCode
from hadeploy.fleet.member import ClusterResult, Member
from hadeploy.fleet.runner import Fleet

GOOD = ["--version"]
BAD = ["plan", "--inventory=none.yaml"]


@dataclass
class Heard:
    lines: list[tuple[str, str]] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)

    def line(self, member: Member, text: str) -> None:
        self.lines.append((member.label, text))

    def ended(self, ending: ClusterResult) -> None:
        self.ends.append(ending.member.label)

    def interrupted(self) -> None:
        raise AssertionError("nobody did")


def run(
    *orders: list[str], most: int = 1, fail_fast: bool = False
) -> tuple[list[ClusterResult], Heard]:
    heard = Heard()
    named = {Member(f"{n}.yaml", str(n), str(n)): words for n, words in enumerate(orders)}
    return Fleet(named, command_line, heard, concurrency=most, fail_fast=fail_fast).run(), heard


def test_each_cluster_has_its_exit_code_output_and_errors() -> None:
    endings, heard = run(GOOD, BAD, most=2)
    assert [ending.code for ending in endings] == [0, 2]
    assert endings[0].output.startswith("hadeploy ")
    (error,) = endings[1].errors
    assert error.message == "inventory none.yaml not found (from -i)"
    assert error.hint
    assert heard.lines == [], "an error is no line"
    assert sorted(heard.ends) == ["0", "1"]


@pytest.mark.parametrize(("fail_fast", "codes"), [(False, [0, 2, 0]), (True, [0, 2, None])])
def test_with_fail_fast_no_cluster_starts_after_a_failure(
    fail_fast: bool, codes: list[int | None]
) -> None:
    endings, heard = run(GOOD, BAD, GOOD, fail_fast=fail_fast)
    assert [ending.code for ending in endings] == codes
    assert heard.ends == ["0", "1", "2"][: len([c for c in codes if c is not None])]


def test_modules_in_the_current_folder_are_not_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("signal", "click", "json"):
        (tmp_path / f"{module}.py").write_text("raise SystemExit(77)\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [entry for entry in __import__("sys").path if entry])
    assert run(GOOD)[0][0].code == 0


def processes(folder: Path) -> list[str]:
    """The processes of clusters whose inventories are in that folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (entry / "cmdline").read_bytes()
            if b"cli.fleet_member" in words and os.fsencode(folder) in words:
                found.append(entry.name)
    return found


def soon(true: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


@contextlib.contextmanager
def ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """A failure must not wait for a process that waits for the test."""
    try:
        yield
    finally:
        process.kill()


@pytest.fixture
def silent(tmp_path: Path) -> Iterator[tuple[Path, socket.socket]]:
    """Two inventories; the first one's node takes a connection and says nothing for ten minutes."""
    (tmp_path / "ssh_config").touch()
    with socket.create_server(("127.0.0.1", 0)) as server:
        for number, port in ((1, server.getsockname()[1]), (2, 1)):
            (tmp_path / f"{number}.yaml").write_text(
                f"name: c{number}\nvip: 198.51.100.{number}9\n"
                f"nodes: [{{address: 198.51.100.{number}, ssh: {{host: 127.0.0.1}}}}]\n"
                f"ssh: {{port: {port}, user: u, config: ssh_config, connect_timeout: 600}}\n"
            )
        yield tmp_path, server


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGINT, 130),
        pytest.param(signal.SIGTERM, 130, marks=pytest.mark.exhaustive),
        pytest.param(signal.SIGHUP, 130, marks=pytest.mark.exhaustive),
        (signal.SIGKILL, -signal.SIGKILL),
    ],
)
def test_every_end_of_a_run_leaves_no_process(
    silent: tuple[Path, socket.socket], number: signal.Signals, code: int
) -> None:
    folder, server = silent
    command = [sys.executable, "-m", "hadeploy", "check", "-i", str(folder), "--concurrency", "1"]
    with (
        subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as process,
        ended(process),
    ):
        server.settimeout(60)
        connection, _ = server.accept()
        with connection:
            assert len(processes(folder)) == 1
            process.send_signal(number)
            assert process.wait(60) == code
            soon(lambda: not processes(folder), "it ends by itself")
        assert process.stdout
        shown = process.stdout.read().decode()
    if code == ExitCode.INTERRUPTED:
        assert "2 clusters: 1 interrupted; 1 not started" in shown
