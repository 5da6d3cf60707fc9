"""keepalived's check of haproxy: how long its parts take, and what it does with a server."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hadeploy.desired import layout
from hadeploy.desired.check_script import START_SECONDS, answer_end, check_script, watch_end
from hadeploy.desired.templates import environment
from hadeploy.inventory.parts import VrrpCheck
from tests.unit import builders
from tests.unit.answers import servers

GOOD = b"HTTP/1.0 200 OK\r\n\r\n"


@pytest.mark.parametrize(
    ("check", "watches", "waits"),
    [
        ({}, 0.85, 4.5),
        ({"timeout": 2}, 0.85, 1.5),
        ({"timeout": 1}, 0.0, 0.5),
        ({"interval": 5}, 4.0, 4.5),
        ({"interval": 5, "timeout": 2}, 1.0, 1.5),
        ({"interval": 60, "timeout": 60}, 4.85, 59.5),
    ],
)
def test_a_check_ends_before_the_next_and_before_keepalived_ends_it(
    check: dict[str, int], watches: float, waits: float
) -> None:
    given = VrrpCheck.model_validate(check)
    assert (watch_end(given), answer_end(given)) == (watches, waits)
    assert watches < waits <= given.timeout - START_SECONDS


def late(answer: bytes, after: float) -> servers.Behaviour:
    """Answers each connection after so many seconds."""

    def behave(connection: socket.socket) -> None:
        connection.recv(100)
        time.sleep(after)
        connection.sendall(answer)

    return behave


def start(folder: Path, port: int, listener: int = 9443) -> subprocess.Popen[bytes]:
    """Start the check, which has found haproxy well once; rise is 2, so it does not watch."""
    cluster = builders.cluster(haproxy={"health_port": port}, listeners=[{"port": listener}])
    text = check_script(cluster, environment(None)).content
    script = folder / "check-haproxy.sh"
    # The server runs as the user of the tests and counts as haproxy.
    text = text.replace(str(layout.HAPROXY_UID), str(os.getuid()))
    script.write_text(text.replace("/tmp/", f"{folder}/"))
    (folder / "hadeploy-good").write_text(".")
    return subprocess.Popen(["bash", script], stderr=subprocess.DEVNULL)


@pytest.mark.parametrize(
    ("answer", "after", "code"),
    [(GOOD, 0.0, 0), (GOOD, 0.35, 0), (b"HTTP/1.0 503 No\r\n\r\n", 0.0, 1), (b"", 0.0, 1)],
    ids=["well", "late", "unavailable", "closed"],
)
def test_the_answer_decides(tmp_path: Path, answer: bytes, after: float, code: int) -> None:
    with servers.serving(late(answer, after)) as port:
        assert start(tmp_path, port).wait(timeout=10) == code
    assert (tmp_path / "hadeploy-good").read_text() == ("" if code else "..")


def test_a_port_that_refuses_has_failed_at_once(tmp_path: Path) -> None:
    with servers.serving(late(GOOD, 0.0)) as port:
        pass
    assert start(tmp_path, port).wait(timeout=10) == 1


def test_without_an_answer_it_has_failed_after_a_second(tmp_path: Path) -> None:
    with servers.serving(late(GOOD, 20.0)) as port:
        began = time.monotonic()
        assert start(tmp_path, port).wait(timeout=10) == 1
        assert time.monotonic() - began >= 1.0


def test_a_check_that_is_late_itself_gives_haproxy_more_time(tmp_path: Path) -> None:
    with servers.serving(late(GOOD, 1.5)) as port:
        check = start(tmp_path, port)
        # As on a machine on which a process runs for 20 ms of each 0.3 s.
        while check.poll() is None:
            os.kill(check.pid, signal.SIGSTOP)
            time.sleep(0.28)
            os.kill(check.pid, signal.SIGCONT)
            time.sleep(0.02)
        assert check.returncode == 0


@contextlib.contextmanager
def filled(connections: int) -> Iterator[int]:
    """A port of a program that has accepted so many connections, and does nothing more."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("0.0.0.0", 0), backlog=100))
        port = listener.getsockname()[1]
        for _ in range(connections):
            stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            stack.enter_context(listener.accept()[0])
        yield port


@pytest.mark.parametrize(
    ("answer", "after"), [(b"x", 0.0), (b"", 0.0), (b"x", 20.0)], ids=["well", "closed", "slow"]
)
def test_where_the_port_is_full_a_client_that_is_served_is_enough(
    tmp_path: Path, answer: bytes, after: float
) -> None:
    listener = servers.serving(late(answer, after), "0.0.0.0")
    with filled(layout.HEALTH_MAXCONN // 2) as port, listener as other:
        assert start(tmp_path, port, other).wait(timeout=10) == 0


@pytest.mark.parametrize(
    ("at_port", "clients", "code"),
    [(50, 0, 1), (50, 48, 1), (50, 50, 0), (49, 50, 1)],
)
def test_where_both_are_full_haproxy_is_well_as_with_a_full_listener(
    tmp_path: Path, at_port: int, clients: int, code: int
) -> None:
    with filled(at_port) as port, filled(clients) as other:
        assert start(tmp_path, port, other).wait(timeout=10) == code


def test_where_the_port_is_full_a_listener_that_refuses_has_failed(tmp_path: Path) -> None:
    with servers.serving(late(GOOD, 0.0)) as other:
        pass
    with filled(layout.HEALTH_MAXCONN // 2) as port:
        assert start(tmp_path, port, other).wait(timeout=10) == 1
