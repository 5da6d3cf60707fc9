"""Lines out of a stream of bytes, and no more of them than a node has reason to say. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

MIB = 1024 * 1024
# A file of ours is one line; one with five thousand servers has half a MiB.
MOST_OF_A_LINE = 16 * MIB
# What a node with thousands of sockets, rules and backends says is a tenth of it.
MOST_OF_A_REPLY = 32 * MIB
MOST_LINES = 1_000_000


class TooMuchError(Exception):
    """Somebody says more than there is any reason to; what, in words, is the message."""


def lines_of(chunks: Iterable[bytes], *, endless: bool = False) -> Iterator[str]:
    """The lines, without their newlines; the last one may have none.

    Args:
        chunks: as they arrive.
        endless: whether only each line has a bound, since none is kept.

    Raises:
        TooMuchError: a line, or all of them together, are too long.
    """
    rest = bytearray()
    size = count = 0
    for chunk in chunks:
        first, *others = chunk.split(b"\n")
        rest += first
        size += len(chunk)
        count += len(others)
        if not endless and size > MOST_OF_A_REPLY:
            raise TooMuchError(f"it says more than {MOST_OF_A_REPLY // MIB} MiB")
        if not endless and count > MOST_LINES:
            raise TooMuchError(f"it says more than {MOST_LINES} lines")
        for line in others:
            yield rest.decode("utf-8", "replace")
            rest = bytearray(line)
        if len(rest) > MOST_OF_A_LINE:
            raise TooMuchError(f"it says a line of more than {MOST_OF_A_LINE // MIB} MiB")
    if rest:
        yield rest.decode("utf-8", "replace")


def clean(text: str) -> str:
    """The text without what a terminal would obey; it is somebody else's."""
    if text.isprintable():
        return text
    text = text.rstrip("\r").expandtabs()
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
