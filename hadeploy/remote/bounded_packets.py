"""SSH's packets, no larger than any has reason to be: paramiko would read one of 4 GiB."""

from __future__ import annotations

import socket
import zlib

import paramiko
from paramiko.packet import Packetizer

# As OpenSSH (PACKET_MAX_SIZE in its packet.c), and a little for what is around a packet.
MOST_OF_A_PACKET = 256 * 1024
_AROUND = 1024
# Of all that a server says before its version (RFC 4253, 4.2); OpenSSH takes 1024 lines of 8 KiB.
MOST_OF_A_GREETING = 64 * 1024


class BoundedPacketizer(Packetizer):
    """Reads a packet only if its length is one that a packet may have."""

    def __init__(self, connected: socket.socket) -> None:
        super().__init__(connected)
        self._greeting = 0

    def read_all(self, n: int, check_rekey: bool = False) -> bytes:
        """Read so many bytes; paramiko asks with the length that the server has sent.

        Raises:
            SSHException: no packet has so many.
        """
        if n > MOST_OF_A_PACKET + _AROUND:
            raise paramiko.SSHException(f"the server sends a packet of {n} bytes")
        read: bytes = super().read_all(n, check_rekey)
        return read

    def _read_timeout(self, timeout: float) -> bytes:
        """What comes next before the first packet.

        Raises:
            SSHException: it is too much.
        """
        chunk: bytes = super()._read_timeout(timeout)  # type: ignore[misc]
        self._greeting += len(chunk)
        if self._greeting > MOST_OF_A_GREETING:
            raise paramiko.SSHException("the server sends no version of SSH")
        return chunk


class BoundedDecompressor:
    """What a packet holds, where it is compressed."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj()

    def __call__(self, data: bytes) -> bytes:
        """Decompress one packet.

        Raises:
            SSHException: there is more in it than any packet has.
        """
        packet = self._stream.decompress(data, MOST_OF_A_PACKET)
        if self._stream.unconsumed_tail:
            raise paramiko.SSHException(f"a packet holds more than {MOST_OF_A_PACKET} bytes")
        return packet
