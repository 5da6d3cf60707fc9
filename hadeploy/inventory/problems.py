"""What is wrong with an inventory, and where."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from hadeploy.errors import ExitCode, HadeployError

KeyPath = tuple[str | int, ...]


def dotted(path: KeyPath) -> str:
    """A key path as people write it: `nodes[2].address`.

    Args:
        path: keys and list positions, from the top.

    Returns:
        The path on one line, whatever the keys hold.
    """
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
            continue
        # A key from a hostile file must not break the line that names it.
        plain = re.fullmatch(r"[\w-]{1,60}", part, re.ASCII)
        text += ("." if text else "") + (part if plain else shown(part))
    return text


def printable(text: str) -> str:
    """Somebody else's text on one line of sane length, without what a terminal would obey."""
    safe = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text[:200])
    return safe if len(text) <= 200 else f"{safe}..."


def shown(value: object) -> str:
    """A value from the file, quoted, on one line and short enough for a message."""
    text = ascii(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


@dataclass(frozen=True, order=True)
class Problem:
    """One mistake (or one piece of advice) at one place of the inventory.

    Args:
        path: the file, as it is shown.
        line: from 1.
        column: from 1.
        key: the key concerned (`nodes[2].address`); empty when it is the file as a whole.
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
    """An inventory that cannot be used, with everything that is wrong with it.

    Args:
        problems: at least one; kept in the order of their places.
        hint: what to do next.
    """

    def __init__(self, problems: Sequence[Problem], hint: str | None = None) -> None:
        self.problems: tuple[Problem, ...] = tuple(sorted(set(problems)))
        super().__init__("\n".join(map(str, self.problems)), hint=hint, code=ExitCode.USAGE)

    def as_data(self) -> list[dict[str, str | int]]:
        """The problems for `--json`: path, line, column, key and message of each."""
        return [asdict(problem) for problem in self.problems]
