"""What haproxy is asked where users of the node have filled its health port."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.scripts.fragments import fragment

ANSWER = b"HTTP/1.1 302 Found\r\nlocation: /abc\r\n\r\n"


@contextlib.contextmanager
def full(connections: int) -> Iterator[int]:
    """A port with so many connections that says nothing."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=100))
        for _ in range(connections):
            stack.enter_context(socket.create_connection(listener.getsockname()))
        yield listener.getsockname()[1]


@contextlib.contextmanager
def root_socket(path: Path) -> Iterator[list[bytes]]:
    """A program that answers on a socket; what it was asked."""
    asked: list[bytes] = []
    listener = socket.socket(socket.AF_UNIX)

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                asked.append(connection.recv(4096))
                connection.sendall(ANSWER)
                connection.close()

    with listener:
        listener.bind(str(path))
        listener.listen()
        threading.Thread(target=serve, daemon=True).start()
        yield asked
        listener.shutdown(socket.SHUT_RDWR)


def ask(port: int, path: Path) -> tuple[int, str]:
    # The tests' own user stands for haproxy's, and this process for the one in the container.
    owner = "HAPROXY_UID=$(id -u)"
    main = f"main_pid() {{ echo self; }}\n{owner}\nROOT_SOCKET={path}\nhttp_get {port} /config"
    done = subprocess.run(
        ["sh"],
        input=fragment("http.sh", main=main),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return done.returncode, done.stdout


def test_a_full_port_is_passed_by(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with full(50) as port, root_socket(path) as asked:
        code, said = ask(port, path)
        assert (code, said.splitlines()[1]) == (4, "location: /abc")
        assert asked == [b"GET /config HTTP/1.0\r\n\r\n"]


@pytest.mark.parametrize("connections", [0, 40])
def test_a_haproxy_that_hangs_without_a_crowd_does_not_answer(
    tmp_path: Path, connections: int
) -> None:
    path = tmp_path / "socket"
    with full(connections) as port, root_socket(path) as asked:
        assert ask(port, path) == (0, "")
        assert asked == []


def test_no_link_is_followed_out_of_the_container(tmp_path: Path) -> None:
    path, link = tmp_path / "socket", tmp_path / "link"
    link.symlink_to(path)
    with full(50) as port, root_socket(path) as asked:
        assert ask(port, link) == (0, "")
        assert asked == []
