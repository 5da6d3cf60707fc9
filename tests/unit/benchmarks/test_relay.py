"""The slow link over real sockets of this machine."""

from __future__ import annotations

import gc
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from benchmarks.speed.relay import Door, relays

SIZE = 3_000_000


@pytest.fixture
def echo() -> Iterator[Door]:
    """An echo server."""

    def serve(connection: socket.socket) -> None:
        with connection:
            while heard := connection.recv(65536):
                connection.sendall(heard)

    def accept() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=accept, daemon=True).start()
        yield Door(*listening.getsockname()[:2])
        listening.shutdown(socket.SHUT_RDWR)


def heard_from(door: Door, said: bytes) -> bytes:
    with socket.create_connection((door.host, door.port), timeout=20) as connection:

        def say() -> None:
            connection.sendall(said)
            connection.shutdown(socket.SHUT_WR)

        sending = threading.Thread(target=say)
        sending.start()
        heard = b"".join(iter(lambda: connection.recv(65536), b""))
        sending.join()
    return heard


def test_every_byte_arrives_in_order_and_so_does_the_end(echo: Door) -> None:
    said = bytes(number % 251 for number in range(SIZE))
    with relays([echo, echo], 0.02) as (first, second):
        assert first != second
        assert heard_from(first, said) == said
        assert heard_from(second, b"") == b""


def test_a_round_trip_takes_the_configured_time_and_a_connection_one_more(
    echo: Door,
) -> None:
    with (
        relays([echo], 0.1) as (door,),
        socket.create_connection((door.host, door.port), timeout=20) as connection,
    ):
        took = []
        for _ in range(3):
            started = time.monotonic()
            connection.sendall(b"x")
            assert connection.recv(1) == b"x"
            took.append(time.monotonic() - started)
    # However busy the machine: a link can be slower than was said, never quicker.
    assert took[0] >= 0.199
    assert min(took[1:]) >= 0.099


def test_a_server_that_is_missing_hangs_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        gone = Door(*server.getsockname()[:2])
    with relays([gone], 0.0) as (door,):
        assert heard_from(door, b"") == b""


def test_a_server_may_answer_late_after_the_request() -> None:
    heard_all, think = threading.Event(), threading.Event()

    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            while connection.recv(65536):
                pass
            heard_all.set()
            think.wait(20)
            connection.sendall(b"late")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = threading.Thread(target=serve)
        serving.start()
        with (
            relays([Door(*listening.getsockname()[:2])], 0.02) as (door,),
            socket.create_connection((door.host, door.port), timeout=20) as connection,
        ):
            connection.sendall(b"x")
            connection.shutdown(socket.SHUT_WR)
            assert heard_all.wait(20)
            # What nothing but itself holds on to is gone after this.
            gc.collect()
            think.set()
            assert connection.recv(10) == b"late"
        serving.join()
