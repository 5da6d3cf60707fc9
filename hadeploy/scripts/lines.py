"""Splits a stream of bytes into lines, within limits on the output of a node. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

MIB = 1024 * 1024
# The base64 text of a file is one line; with five thousand servers it has half a MiB.
MAX_LINE_BYTES = 16 * MIB
# Ten times the output of a node with thousands of sockets, rules and backends.
MAX_REPLY_BYTES = 32 * MIB
MAX_LINES = 1_000_000


class OutputTooLongError(Exception):
    """The output exceeds a limit, which the message names."""


def lines_of(chunks: Iterable[bytes], *, endless: bool = False) -> Iterator[str]:
    """The lines, without their newlines; the last one may have none.

    Args:
        chunks: the bytes, as they arrive.
        endless: whether only the length of each line is limited, because no line is kept.

    Raises:
        OutputTooLongError: a line, or the whole output, is too long.
    """
    rest = bytearray()
    size = count = 0
    for chunk in chunks:
        first, *others = chunk.split(b"\n")
        rest += first
        size += len(chunk)
        count += len(others)
        if not endless and size > MAX_REPLY_BYTES:
            raise OutputTooLongError(f"the output exceeds {MAX_REPLY_BYTES // MIB} MiB")
        if not endless and count > MAX_LINES:
            raise OutputTooLongError(f"the output exceeds {MAX_LINES} lines")
        for line in others:
            yield rest.decode("utf-8", "replace")
            rest = bytearray(line)
        if len(rest) > MAX_LINE_BYTES:
            raise OutputTooLongError(f"a line of the output exceeds {MAX_LINE_BYTES // MIB} MiB")
    if rest:
        yield rest.decode("utf-8", "replace")


def clean(text: str) -> str:
    """The text with control characters escaped, so that a terminal does not execute them."""
    if text.isprintable():
        return text
    text = text.rstrip("\r").expandtabs()
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
