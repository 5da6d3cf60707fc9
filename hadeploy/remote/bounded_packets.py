"""Limits the size of SSH packets; paramiko would read a packet of 4 GiB."""

from __future__ import annotations

import socket
import zlib

import paramiko
from paramiko.packet import Packetizer

# As OpenSSH (PACKET_MAX_SIZE in its packet.c), and a margin for length, padding and MAC.
MAX_PACKET_BYTES = 256 * 1024
_OVERHEAD_BYTES = 1024
# All lines before the version of the server (RFC 4253, 4.2); OpenSSH accepts 1024 lines of 8 KiB.
MAX_BANNER_BYTES = 64 * 1024


class BoundedPacketizer(Packetizer):
    """Refuses packets that are longer than the limit."""

    def __init__(self, connected: socket.socket) -> None:
        super().__init__(connected)
        self._banner_bytes = 0

    def read_all(self, n: int, check_rekey: bool = False) -> bytes:
        """Read n bytes; paramiko takes n from the packet of the server.

        Raises:
            SSHException: n exceeds the limit.
        """
        if n > MAX_PACKET_BYTES + _OVERHEAD_BYTES:
            raise paramiko.SSHException(f"the server sends a packet of {n} bytes")
        read: bytes = super().read_all(n, check_rekey)
        return read

    def _read_timeout(self, timeout: float) -> bytes:
        """The next bytes before the first packet.

        Raises:
            SSHException: they exceed the limit.
        """
        chunk: bytes = super()._read_timeout(timeout)  # type: ignore[misc]
        self._banner_bytes += len(chunk)
        if self._banner_bytes > MAX_BANNER_BYTES:
            raise paramiko.SSHException("the server sends no version of SSH")
        return chunk


class BoundedDecompressor:
    """Decompresses packets."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj()

    def __call__(self, data: bytes) -> bytes:
        """Decompress one packet.

        Raises:
            SSHException: the decompressed packet exceeds the limit.
        """
        packet = self._stream.decompress(data, MAX_PACKET_BYTES)
        if self._stream.unconsumed_tail:
            raise paramiko.SSHException(f"a packet exceeds {MAX_PACKET_BYTES} bytes")
        return packet
