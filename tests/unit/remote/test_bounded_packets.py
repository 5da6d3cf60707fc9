"""What a server sends before its key is checked takes no memory to speak of."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
import zlib

import paramiko
import pytest

from hadeploy.remote.bounded_packets import BoundedDecompressor
from hadeploy.remote.client_transport import ClientTransport

VERSION = b"SSH-2.0-OpenSSH_9.6\r\n"
PACKET = b"\xff\xff\xff\xfc" + b"\x04" * 65536


@pytest.mark.parametrize(
    ("begin", "piece"),
    [(b"", b"x" * 65536), (VERSION, PACKET)],
    ids=["a line without an end", "a packet of 4 GiB"],
)
def test_a_server_that_sends_too_much_is_left(begin: bytes, piece: bytes) -> None:
    ours, theirs = socket.socketpair()
    sent = [0]

    def send() -> None:
        with contextlib.suppress(OSError):
            theirs.sendall(begin)
            while True:
                sent[0] += theirs.send(piece)

    sender = threading.Thread(target=send, daemon=True)
    transport = ClientTransport(ours)
    began = time.monotonic()
    sender.start()
    with pytest.raises(paramiko.SSHException):
        transport.start_client(timeout=20)
    transport.close()
    theirs.close()
    sender.join(10)
    assert time.monotonic() - began < 10
    assert sent[0] < 2_000_000


def test_a_packet_that_holds_too_much_is_refused() -> None:
    packed = zlib.compressobj()
    plain = packed.compress(b"x" * 1000) + packed.flush(zlib.Z_SYNC_FLUSH)
    large = packed.compress(bytes(10_000_000)) + packed.flush(zlib.Z_SYNC_FLUSH)
    decompress = BoundedDecompressor()
    assert decompress(plain) == b"x" * 1000
    with pytest.raises(paramiko.SSHException, match="a packet exceeds"):
        decompress(large)
