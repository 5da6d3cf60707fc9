"""paramiko's side of a connection, with what OpenSSH's client does beyond it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import Any

import paramiko
from paramiko.compress import ZlibCompressor

from hadeploy.inventory.problems import printable
from hadeploy.remote.bounded_packets import BoundedDecompressor, BoundedPacketizer


class ClientTransport(paramiko.Transport):
    """Asks for the host keys that are known, and keeps what a server says before it hangs up.

    No packet of the server's is larger than it may be.

    Args:
        sock: to the server.
        order: puts host key algorithms in the order in which they are wanted.
        options: paramiko's.
    """

    # paramiko's own, but for what reads.
    _compression_info = MappingProxyType(
        {
            "zlib@openssh.com": (ZlibCompressor, BoundedDecompressor),
            "zlib": (ZlibCompressor, BoundedDecompressor),
            "none": (None, None),
        }
    )

    def __init__(
        self,
        sock: Any,
        *,
        order: Callable[[Sequence[str]], tuple[str, ...]] = tuple,
        **options: Any,
    ) -> None:
        self._order = order
        self.disconnect_reason = ""
        super().__init__(sock, packetizer_class=BoundedPacketizer, **options)

    @property
    def preferred_keys(self) -> tuple[str, ...]:
        """The host key algorithms to offer."""
        return self._order(super().preferred_keys)

    def _parse_disconnect(self, m: paramiko.Message) -> None:
        m.get_int()
        self.disconnect_reason = printable(m.get_string().decode("utf-8", "replace").strip())
        m.rewind()
        # The type of the message has been read already.
        super()._parse_disconnect(m)  # type: ignore[misc]
