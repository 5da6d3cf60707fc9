"""paramiko's client transport, with features of OpenSSH's client."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import Any

import paramiko
from paramiko.compress import ZlibCompressor

from hadeploy.inventory.problems import printable
from hadeploy.remote.bounded_packets import BoundedDecompressor, BoundedPacketizer


class ClientTransport(paramiko.Transport):
    """Prefers known host keys, keeps the reason of a disconnect, and limits the size of packets.

    Args:
        sock: to the server.
        order: sorts host key algorithms by preference.
        options: the options of paramiko.Transport.
    """

    # As in paramiko, with bounded decompressors.
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
