"""A TCP connection that is opened before it is needed serves one login, and is never left open."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import pytest

from hadeploy.remote.early_sockets import EarlySockets


@contextlib.contextmanager
def server() -> Iterator[tuple[socket.socket, int]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)
        yield listener, listener.getsockname()[1]


def accepted(listener: socket.socket) -> socket.socket:
    connection, _ = listener.accept()
    connection.settimeout(5)
    return connection


def test_the_first_connection_gets_it() -> None:
    with server() as (listener, port):
        early = EarlySockets()
        early.open("127.0.0.1", port, 5)
        with accepted(listener) as peer:
            taken = early.take("127.0.0.1", port)
            assert taken is not None
            with taken:
                taken.sendall(b"x")
                assert peer.recv(1) == b"x"
        assert early.take("127.0.0.1", port) is None


def test_none_is_opened_after_the_login_has_begun() -> None:
    with server() as (listener, port):
        early = EarlySockets()
        assert early.take("127.0.0.1", port) is None
        early.open("127.0.0.1", port, 5)
        early.close()
        early.open("127.0.0.1", port, 5)
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_one_that_is_not_needed_is_closed() -> None:
    with server() as (listener, port):
        early = EarlySockets()
        early.open("127.0.0.1", port, 5)
        with accepted(listener) as peer:
            early.close()
            assert peer.recv(1) == b""


def test_a_refused_one_leaves_the_error_to_the_login() -> None:
    with server() as (_, port):
        pass
    early = EarlySockets()
    early.open("127.0.0.1", port, 5)
    assert early.take("127.0.0.1", port) is None


def test_the_login_does_not_wait_twice_for_a_server_that_does_not_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def silent(*_: object) -> socket.socket:
        raise TimeoutError("timed out")

    monkeypatch.setattr(socket, "create_connection", silent)
    early = EarlySockets()
    early.open("198.51.100.1", 22, 0.1)
    with pytest.raises(TimeoutError):
        early.take("198.51.100.1", 22)
