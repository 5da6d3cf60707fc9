"""Asking an address from this machine, as lib/answer.sh does from a node."""

from __future__ import annotations

import re
import socket

from hadeploy.answers.answer import Answer
from hadeploy.desired.client_hello import client_hello

CONNECT_SECONDS = 2.0
# To a node's own address, a few times.
QUICK_SECONDS = 1.0
ANSWER_SECONDS = 2.0
# Where a server is known to say nothing.
SILENT_SECONDS = 0.3
# For how long a connection without a word from us must stay open.
OPEN_SECONDS = 0.15
_HANDSHAKE, _ALERT = 0x16, 0x15
_REQUEST = b"GET / HTTP/1.0\r\n\r\n"
_LONGEST_STATUS_LINE = 200
_STATUS_LINE = re.compile(rb"HTTP/\S+ +([1-5][0-9][0-9])(?![0-9])")


def ask(
    address: str, port: int, seconds: float = ANSWER_SECONDS, connect: float = CONNECT_SECONDS
) -> Answer:
    """What a TLS client is answered there, and what another one if that is no TLS.

    Args:
        address: without a port.
        port: TCP.
        seconds: how long an answer is waited for.
        connect: how long a first connection is waited for, in seconds.

    Raises:
        OSError: no connection opens.
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
    """As `ask`, where no connection is an answer, too.

    Args:
        address: without a port.
        port: TCP.
    """
    try:
        return ask(address, port, connect=QUICK_SECONDS)
    except ConnectionRefusedError:
        return Answer("refused")
    except OSError:
        return Answer("unreached")


def _of_plain_text(line: bytes | None) -> Answer:
    """The answer to a request; it may be of another server than the one that spoke before."""
    if not line:
        return Answer("silent" if line is None else "closed")
    found = _STATUS_LINE.match(line)
    return Answer(f"http/{found[1].decode()}" if found else "other")


def _said(
    address: str, port: int, words: bytes, seconds: float, connect: float = CONNECT_SECONDS
) -> bytes | None:
    """The first bytes that are answered; b"" if it is closed, None if nothing is said."""
    try:
        opened = socket.create_connection((address, port), connect)
    except ConnectionResetError:
        # It was open, and was closed before this process had its turn.
        return b""
    with opened as connection:
        connection.settimeout(seconds)
        try:
            connection.sendall(words)
            return connection.recv(_LONGEST_STATUS_LINE)
        except TimeoutError:
            return None
        except OSError:
            # Reset: closed before all of it was read.
            return b""
