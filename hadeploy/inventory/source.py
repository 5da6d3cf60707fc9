"""Read the text of an inventory, and refuse files that cannot be one."""

from __future__ import annotations

import codecs
import re
from pathlib import Path
from typing import NamedTuple

MAX_BYTES = 1 << 20
# ruamel.yaml takes quadratic time for some very long lines.
MAX_LINE = 50_000

# All characters that are not c-printable in YAML 1.2 (section 5.1). The complement, `[^…]`, would
# take ten times as long to compile.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_WIDE = {b"\xff\xfe": "UTF-16 or UTF-32", b"\xfe\xff": "UTF-16", b"\0\0\xfe\xff": "UTF-32"}


class Position(NamedTuple):
    """A position in a text; both numbers begin at 1."""

    line: int
    column: int


START = Position(1, 1)


class Unreadable(Exception):  # noqa: N818 - a reason, which `load` turns into a Problem
    """Why the file cannot be read further, and at which position.

    Args:
        position: the position.
        message: one sentence.
    """

    def __init__(self, position: Position, message: str) -> None:
        super().__init__(message)
        self.position = position
        self.message = message


def read_text(path: Path) -> str:
    """The text of an inventory file, without a byte order mark.

    Args:
        path: a file or a pipe.

    Raises:
        Unreadable: it does not exist, cannot be read, is too large, or is not UTF-8 text.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a file name"
        raise Unreadable(START, f"cannot be read: {reason[0].lower()}{reason[1:]}") from None
    if len(data) > MAX_BYTES:
        raise Unreadable(START, "is larger than 1 MiB; check that this file is the inventory")
    for mark, name in _WIDE.items():
        if data.startswith(mark):
            raise Unreadable(START, f"is {name} text; save it as UTF-8")
    return _decoded(data)


def check_text(text: str) -> str:
    """The text, if YAML allows all its characters.

    Raises:
        Unreadable: it contains a control character or a line that is too long.
    """
    bad = _UNPRINTABLE.search(text)
    if bad:
        code = ord(bad[0])
        what = "a NUL byte (is it a binary or UTF-16 file?)" if code == 0 else f"U+{code:04X}"
        raise Unreadable(_position(text[: bad.start()]), f"contains {what}, which YAML forbids")
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > MAX_LINE:
            raise Unreadable(Position(number, 1), f"this line is longer than {MAX_LINE} characters")
    return text


def _decoded(data: bytes) -> str:
    # Not "utf-8-sig": its errors do not count the mark, so the position would be wrong.
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        before, byte = data[: error.start].decode(), data[error.start]
        raise Unreadable(
            _position(before), f"is not UTF-8 text (byte 0x{byte:02x}); save it as UTF-8"
        ) from None


def _position(before: str) -> Position:
    lines = re.split("\r\n|\r|\n", before)
    return Position(len(lines), len(lines[-1]) + 1)
