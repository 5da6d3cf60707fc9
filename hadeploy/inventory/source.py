"""From a path to the text of an inventory, refusing what cannot be one."""

from __future__ import annotations

import codecs
import re
from pathlib import Path
from typing import NamedTuple

MAX_BYTES = 1 << 20
# ruamel.yaml takes quadratic time for some kinds of very long line.
MAX_LINE = 50_000

# All but what YAML 1.2 calls c-printable (section 5.1). The complement, `[^…]`, compiles ten times
# slower.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_WIDE = {b"\xff\xfe": "UTF-16 or UTF-32", b"\xfe\xff": "UTF-16", b"\0\0\xfe\xff": "UTF-32"}


class Spot(NamedTuple):
    """A place in a text; both counts begin at 1."""

    line: int
    column: int


START = Spot(1, 1)


class Unreadable(Exception):  # noqa: N818 - a reason, told as a Problem by who catches it
    """Why reading cannot go on, and where.

    Args:
        spot: the place.
        message: one sentence.
    """

    def __init__(self, spot: Spot, message: str) -> None:
        super().__init__(message)
        self.spot = spot
        self.message = message


def read_text(path: Path) -> str:
    """The text of an inventory file.

    Args:
        path: the file; a pipe will do, too.

    Returns:
        Its text without a byte order mark, for `check_text` to look at.

    Raises:
        Unreadable: there is no such file, it cannot be read, or it is not UTF-8 text of sane size.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a file name"
        raise Unreadable(START, f"cannot be read: {reason[0].lower()}{reason[1:]}") from None
    if len(data) > MAX_BYTES:
        raise Unreadable(START, "is larger than 1 MiB: is this really the inventory?")
    for mark, name in _WIDE.items():
        if data.startswith(mark):
            raise Unreadable(START, f"is {name} text; save it as UTF-8")
    return _decoded(data)


def check_text(text: str) -> str:
    """The text itself, if a YAML reader may see it.

    Raises:
        Unreadable: it holds a control character or an endless line.
    """
    bad = _UNPRINTABLE.search(text)
    if bad:
        code = ord(bad[0])
        what = "a NUL byte: is it a binary or UTF-16 file?" if code == 0 else f"U+{code:04X}"
        raise Unreadable(_spot(text[: bad.start()]), f"holds a character YAML forbids, {what}")
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > MAX_LINE:
            raise Unreadable(Spot(number, 1), f"this line is longer than {MAX_LINE} characters")
    return text


def _decoded(data: bytes) -> str:
    # Not "utf-8-sig": its errors do not count the mark, so that the place would be wrong.
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        before, byte = data[: error.start].decode(), data[error.start]
        raise Unreadable(
            _spot(before), f"is not UTF-8 text (byte 0x{byte:02x}); save it as UTF-8"
        ) from None


def _spot(before: str) -> Spot:
    lines = re.split("\r\n|\r|\n", before)
    return Spot(len(lines), len(lines[-1]) + 1)
