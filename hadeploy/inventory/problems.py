"""Errors in an inventory, with their positions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from hadeploy.errors import ExitCode, HadeployError

KeyPath = tuple[str | int, ...]


def dotted(path: KeyPath) -> str:
    """A key path as one line of text: `nodes[2].address`.

    Args:
        path: keys and list positions, from the top.
    """
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
            continue
        # A key may contain line breaks and control characters.
        plain = re.fullmatch(r"[\w-]{1,60}", part, re.ASCII)
        text += ("." if text else "") + (part if plain else shown(part))
    return text


def printable(text: str) -> str:
    """Untrusted text on one line of limited length, with control characters escaped."""
    safe = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text[:200])
    return safe if len(text) <= 200 else f"{safe}..."


def shown(value: object) -> str:
    """A value, quoted, on one line and of limited length."""
    text = ascii(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


@dataclass(frozen=True, order=True)
class Problem:
    """An error or a warning with its position in the inventory.

    Args:
        path: the file, as shown to the user.
        line: from 1.
        column: from 1.
        key: the key path (`nodes[2].address`); empty for the whole file.
        message: one sentence.
    """

    path: str
    line: int
    column: int
    key: str
    message: str

    def __str__(self) -> str:
        key = f"{self.key}: " if self.key else ""
        return f"{self.path}:{self.line}:{self.column}: {key}{self.message}"


class InventoryError(HadeployError):
    """An invalid inventory, with all its errors.

    Args:
        problems: at least one.
        hint: what to do next.
    """

    def __init__(self, problems: Sequence[Problem], hint: str | None = None) -> None:
        self.problems: tuple[Problem, ...] = tuple(sorted(set(problems)))
        super().__init__("\n".join(map(str, self.problems)), hint=hint, code=ExitCode.USAGE)

    def as_data(self) -> list[dict[str, str | int]]:
        """The problems for `--json`: path, line, column, key and message of each."""
        return [asdict(problem) for problem in self.problems]
