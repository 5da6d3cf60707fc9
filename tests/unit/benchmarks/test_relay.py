"""The slow link over real sockets of this machine."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from benchmarks.speed.relay import Door, relays

SIZE = 3_000_000


@pytest.fixture
def echo() -> Iterator[Door]:
    """A server that says all that it hears, to the end."""

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


def test_a_round_trip_takes_at_least_as_long_as_is_said_and_opening_takes_another(
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


def test_a_server_that_is_not_there_hangs_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        gone = Door(*server.getsockname()[:2])
    with relays([gone], 0.0) as (door,):
        assert heard_from(door, b"") == b""
