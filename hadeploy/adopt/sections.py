"""haproxy.cfg as sections of lines (configuration manual, 2.1 and 2.2). Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SECTIONS = (
    *("global", "defaults", "frontend", "backend", "listen", "userlist", "peers", "resolvers"),
    *("cache", "program", "mailers", "http-errors", "ring", "log-forward", "fcgi-app", "crt-store"),
    *("log-profile", "traces", "acme"),
)
_WORDS = re.compile(r"""(?:\\.|"(?:\\.|[^"\\])*"|'[^']*'|[^\s#\\"'])+""")


@dataclass(frozen=True)
class Section:
    """A section.

    Attributes:
        kind: its keyword.
        name: what follows, or "".
        lines: the words of each line.
    """

    kind: str
    name: str
    lines: tuple[tuple[str, ...], ...]

    def all(self, *words: str) -> list[tuple[str, ...]]:
        """The lines that begin with these words."""
        return [line for line in self.lines if line[: len(words)] == words]

    def value(self, *words: str) -> str | None:
        """What follows these words, where they are said last; None if they are not."""
        found = self.all(*words)
        return " ".join(found[-1][len(words) :]) if found else None

    @property
    def ports(self) -> frozenset[int]:
        """The ports of its bind lines."""
        binds = [part for line in self.all("bind") for part in line[1].split(",")]
        binds += [self.name.rpartition(" ")[2]] if self.kind in ("frontend", "listen") else []
        return frozenset(int(m[1]) for bind in binds if (m := re.search(r":(\d+)$", bind)))


def sections(text: str) -> tuple[Section, ...]:
    """The sections of a file, in order.

    Args:
        text: of haproxy.cfg.
    """
    found: list[Section] = []
    lines: list[tuple[str, ...]] = []
    kind = name = ""
    for line in text.splitlines():
        words = tuple(_words(line))
        if not words:
            continue
        if words[0] in _SECTIONS:
            found.append(Section(kind, name, tuple(lines)))
            kind, name, lines = words[0], " ".join(words[1:]), []
        else:
            lines.append(words)
    found.append(Section(kind, name, tuple(lines)))
    return tuple(section for section in found if section.kind)


def _words(line: str) -> list[str]:
    found, at = [], 0
    while at < len(line) and line[at] != "#":
        match = _WORDS.match(line, at)
        if match:
            found.append(re.sub(r"""["'\\]""", "", match[0]))
        at = match.end() if match else at + 1
    return found
