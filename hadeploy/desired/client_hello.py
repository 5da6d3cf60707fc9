"""The first message of a TLS client. Pure."""

from __future__ import annotations

import functools
import struct

# Every server of the last 20 years supports one of these. The last one excludes renegotiation
# (RFC 5746, 3.3).
_CIPHER_SUITES = (
    *(0x1301, 0x1302, 0x1303),
    *(0xC02B, 0xC02C, 0xCCA9, 0xC02F, 0xC030, 0xCCA8),
    *(0xC009, 0xC00A, 0xC013, 0xC014, 0x009C, 0x009D, 0x002F, 0x0035),
    0x00FF,
)
_X25519 = 0x001D
_GROUPS = (_X25519, 0x0017, 0x0018, 0x0019)
_SIGNATURES = (0x0403, 0x0503, 0x0603, 0x0807, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601)
_VERSIONS = (0x0304, 0x0303)
_HANDSHAKE, _CLIENT_HELLO = 22, 1
# Not secret: the connection ends before a key exchange.
_RANDOM = bytes(range(0x20, 0x40))
_PUBLIC_KEY = bytes(range(0x41, 0x61))


@functools.cache
def client_hello() -> bytes:
    """A ClientHello for TLS 1.3 and 1.2, without SNI (RFC 8446, 4.1.2).

    kubectl also sends no SNI to an address (RFC 6066, section 3).
    """
    extensions = b"".join(
        (
            _extension(10, _list16(_GROUPS)),
            _extension(11, b"\x01\x00"),
            _extension(13, _list16(_SIGNATURES)),
            _extension(43, _sized(1, _words(_VERSIONS))),
            _extension(45, b"\x01\x01"),
            _extension(51, _sized(2, struct.pack(">H", _X25519) + _sized(2, _PUBLIC_KEY))),
        )
    )
    body = b"".join(
        (
            b"\x03\x03",
            _RANDOM,
            _sized(1, b""),
            _list16(_CIPHER_SUITES),
            b"\x01\x00",
            _sized(2, extensions),
        )
    )
    message = bytes([_CLIENT_HELLO]) + _sized(3, body)
    return bytes([_HANDSHAKE]) + b"\x03\x01" + _sized(2, message)


def hello_for_printf() -> str:
    """The same as a format of printf(1), in octal escapes only."""
    return "".join(f"\\{byte:03o}" for byte in client_hello())


def _sized(bytes_of_size: int, content: bytes) -> bytes:
    return len(content).to_bytes(bytes_of_size, "big") + content


def _words(numbers: tuple[int, ...]) -> bytes:
    return struct.pack(f">{len(numbers)}H", *numbers)


def _list16(numbers: tuple[int, ...]) -> bytes:
    return _sized(2, _words(numbers))


def _extension(kind: int, content: bytes) -> bytes:
    return struct.pack(">H", kind) + _sized(2, content)
