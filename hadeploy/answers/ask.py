"""Requests from this machine, as lib/answer.sh sends them from a node."""

from __future__ import annotations

import re
import socket

from hadeploy.answers.answer import Answer
from hadeploy.desired.client_hello import client_hello

CONNECT_SECONDS = 2.0
# For requests to the own address of each node.
QUICK_SECONDS = 1.0
ANSWER_SECONDS = 2.0
# For a server that is known to be silent.
SILENT_SECONDS = 0.3
# How long a connection without a request must stay open.
OPEN_SECONDS = 0.15
_HANDSHAKE, _ALERT = 0x16, 0x15
_REQUEST = b"GET / HTTP/1.0\r\n\r\n"
_LONGEST_STATUS_LINE = 200
_STATUS_LINE = re.compile(rb"HTTP/\S+ +([1-5][0-9][0-9])(?![0-9])")


def ask(
    address: str, port: int, seconds: float = ANSWER_SECONDS, connect: float = CONNECT_SECONDS
) -> Answer:
    """The answer to a TLS client, or to an HTTP client if the server does not speak TLS.

    Args:
        address: without a port.
        port: a TCP port.
        seconds: maximum wait for an answer.
        connect: maximum wait for the first connection, in seconds.

    Raises:
        OSError: no connection opened.
    """
    first = _said(address, port, client_hello(), seconds, connect)
    if first is None:
        return Answer("silent")
    if first[:1] == bytes([_HANDSHAKE]):
        return Answer("tls")
    if first[:1] == bytes([_ALERT]):
        return Answer("alert")
    if first:
        return _of_plain_text(_said(address, port, _REQUEST, seconds))
    unasked = _said(address, port, b"", OPEN_SECONDS)
    if unasked is None:
        return Answer("open")
    return Answer("other" if unasked else "closed")


def answer_of(address: str, port: int) -> Answer:
    """As `ask`, but return an answer if no connection opens.

    Args:
        address: without a port.
        port: a TCP port.
    """
    try:
        return ask(address, port, connect=QUICK_SECONDS)
    except ConnectionRefusedError:
        return Answer("refused")
    except OSError:
        return Answer("unreached")


def _of_plain_text(line: bytes | None) -> Answer:
    """The answer to an HTTP request, possibly from another server than before."""
    if not line:
        return Answer("silent" if line is None else "closed")
    found = _STATUS_LINE.match(line)
    return Answer(f"http/{found[1].decode()}" if found else "other")


def _said(
    address: str, port: int, words: bytes, seconds: float, connect: float = CONNECT_SECONDS
) -> bytes | None:
    """The first bytes of the answer; b"" if the connection is closed, None for silence."""
    try:
        opened = socket.create_connection((address, port), connect)
    except ConnectionResetError:
        # The connection opened, and was closed before this process noticed.
        return b""
    with opened as connection:
        connection.settimeout(seconds)
        try:
            connection.sendall(words)
            return connection.recv(_LONGEST_STATUS_LINE)
        except TimeoutError:
            return None
        except OSError:
            # Reset: closed before the server read the whole request.
            return b""
