"""Servers that answer a client in every way that there is, on loopback."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from itertools import cycle
from pathlib import Path

from hadeploy.lab.certificate import CertificateSpec, private_key_and_certificate

Behaviour = Callable[[socket.socket], object]


def tls_server(folder: Path, version: ssl.TLSVersion) -> ssl.SSLContext:
    """A server's side of TLS of that version alone."""
    file = folder / "server.pem"
    file.write_bytes(private_key_and_certificate(CertificateSpec(("127.0.0.1",))))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    context.minimum_version = context.maximum_version = version
    return context


def speaks_http(status: str) -> Behaviour:
    """Answers 400 to what is no HTTP, as Go and nginx do, and a status of its own to the rest."""

    def behave(connection: socket.socket) -> None:
        asked = connection.recv(4096)
        reported = status if asked.startswith(b"GET ") else "400 Bad Request"
        connection.sendall(f"HTTP/1.1 {reported}\r\n\r\n".encode())

    return behave


def greets(connection: socket.socket) -> None:
    """As SSH does."""
    connection.sendall(b"SSH-2.0-x\r\n")
    connection.recv(4096)


def says_nothing(connection: socket.socket) -> None:
    """Until the client leaves."""
    while connection.recv(4096):
        pass


def closes(_: socket.socket) -> None:
    """At once."""


def closes_after_a_word(connection: socket.socket) -> None:
    """As a server does that does not understand what is said."""
    connection.recv(1)


def one_after_the_other(*behaviours: Behaviour) -> Behaviour:
    """As servers behind haproxy, of which each gets a connection in its turn."""
    turn = cycle(behaviours)

    def behave(connection: socket.socket) -> None:
        next(turn)(connection)

    return behave


@contextmanager
def serving(behave: Behaviour, host: str = "127.0.0.1") -> Iterator[int]:
    """For as long as the body lasts; yields the port."""

    def one(connection: socket.socket) -> None:
        with closing(connection), suppress(OSError):
            behave(connection)

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = server.accept()
                threading.Thread(target=one, args=(connection,), daemon=True).start()

    with socket.create_server((host, 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


@contextmanager
def refusing() -> Iterator[int]:
    """A port without a listener."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]
