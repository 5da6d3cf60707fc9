"""haproxy.cfg as sections of lines (configuration manual, 2.1 to 2.3 and 4). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

KINDS = (
    *("global", "defaults", "frontend", "backend", "listen", "userlist", "peers", "resolvers"),
    *("cache", "program", "mailers", "http-errors", "ring", "log-forward", "fcgi-app", "crt-store"),
    *("log-profile", "traces", "acme"),
)
FRONTENDS = ("frontend", "listen")
PROXIES = ("frontend", "backend", "listen")
# Repetitions that can backtrack are bounded, because the file may be malicious.
_VARIABLE = re.compile(
    r"\$(?:\{([A-Za-z_]\w{0,128})(?!\w)(?:-([^}]{0,128})|[^}]{0,128})\}|([A-Za-z_]\w*))"
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}
# A bound for values of variables, which may double with each line.
_MAX_VALUE = 4096
MAX_LINE = 16384
# A bound for chains of `defaults` sections.
MAX_INHERITED = 50
_SETTERS = ("setenv", "presetenv", "unsetenv", "resetenv")


@dataclass(frozen=True, eq=False)
class Line:
    """A line of a section.

    Attributes:
        words: without quotes, with expanded variables; may contain a secret.
        text: the original text, without indentation and comment.
        variables: the names of its environment variables.
        conditional: whether it is inside a condition, or a part of one (configuration manual, 2.4).
    """

    words: tuple[str, ...] = field(repr=False)
    text: str
    variables: tuple[str, ...] = ()
    conditional: bool = False

    @property
    def keyword(self) -> str:
        """The first word."""
        return self.words[0]

    def begins(self, *words: str) -> bool:
        """Whether the line begins with these words."""
        return self.words[: len(words)] == words


@dataclass(frozen=True, eq=False)
class Section:
    """A section.

    Attributes:
        kind: its keyword; "" for lines before the first section.
        name: the words after the keyword, or "".
        lines: the lines of the section.
        parent: the `defaults` section after `from`, or "".
    """

    kind: str
    name: str
    lines: tuple[Line, ...]
    parent: str = ""

    @property
    def title(self) -> str:
        """Its name in messages."""
        return f"{self.kind} {self.name}".strip()

    def all(self, *words: str) -> list[Line]:
        """The lines that begin with these words."""
        return [line for line in self.lines if line.begins(*words)]

    def value(self, *words: str) -> str | None:
        """The words after these words in the last such line; None without such a line."""
        found = self.all(*words)
        return " ".join(found[-1].words[len(words) :]) if found else None


def sections(text: str, environment: Mapping[str, str] | None = None) -> tuple[Section, ...]:
    """The sections of a file, in order.

    Args:
        text: the content of haproxy.cfg.
        environment: the environment variables of haproxy.
    """
    found: list[Section] = []
    lines: list[Line] = []
    heading: tuple[str, str, str] = ("", "", "")
    variables = dict(environment or {})
    depth = 0
    for raw in text.splitlines():
        line = read_line(raw[:MAX_LINE], variables)
        if line is None:
            continue
        depth += {".if": 1, ".endif": -1}.get(line.keyword, 0)
        if depth > 0 or line.keyword.startswith("."):
            line = replace(line, conditional=True)
        _set(line, variables)
        if line.keyword in KINDS:
            found.append(Section(heading[0], heading[1], tuple(lines), heading[2]))
            heading, lines = _heading(line)
        else:
            lines.append(line)
    found.append(Section(heading[0], heading[1], tuple(lines), heading[2]))
    return tuple(section for section in found if section.kind or section.lines)


def read_line(raw: str, environment: Mapping[str, str]) -> Line | None:
    """Split a line into words as haproxy does; None for an empty line."""
    words, end, variables = _split(raw, environment)
    if not words:
        return None
    return Line(tuple(words), raw[:end].strip(), tuple(dict.fromkeys(variables)))


def expanded(word: str, environment: Mapping[str, str]) -> str:
    """Expand the variables in an address, which haproxy does even without quotes."""
    return _VARIABLE.sub(lambda m: _value(m, environment) if m[1] else m[0], word)


def variables_in(word: str) -> list[str]:
    """The names of the variables in an address."""
    return [m[1] for m in _VARIABLE.finditer(word) if m[1]]


def inherited(found: Sequence[Section]) -> dict[Section, tuple[Section, ...]]:
    """The `defaults` sections that apply to each proxy, the farthest first.

    A proxy uses the section after `from`, otherwise the last one before it. A `defaults` section
    uses another one only with `from` (configuration manual, 4).
    """
    chains: dict[Section, tuple[Section, ...]] = {}
    named: dict[str, Section] = {}
    last: Section | None = None
    for section in found:
        if section.kind not in ("defaults", *PROXIES):
            continue
        base = named.get(section.parent) if section.parent else None
        if section.kind != "defaults" and not section.parent:
            base = last
        chains[section] = (*chains[base], base)[-MAX_INHERITED:] if base else ()
        if section.kind == "defaults":
            last = section
            named[section.name] = section
    return chains


def _heading(line: Line) -> tuple[tuple[str, str, str], list[Line]]:
    """(kind, name, parent), and a bind line for an address in the heading (old versions)."""
    kind, rest = line.words[0], list(line.words[1:])
    parent = ""
    if kind in ("defaults", *PROXIES) and "from" in rest[:-1]:
        at = rest.index("from")
        parent = rest[at + 1]
        del rest[at : at + 2]
    if kind in FRONTENDS and len(rest) > 1:
        bind = Line(("bind", *rest[1:]), f"bind {' '.join(rest[1:])}", line.variables)
        return (kind, rest[0], parent), [bind]
    return (kind, " ".join(rest), parent), []


def _set(line: Line, variables: dict[str, str]) -> None:
    """Apply a line that changes environment variables (configuration manual, 3.1)."""
    name, value = (*line.words[1:3], "", "")[:2]
    if line.keyword not in _SETTERS:
        return
    if line.keyword == "setenv":
        variables[name] = value[:_MAX_VALUE]
    elif line.keyword == "presetenv":
        variables.setdefault(name, value[:_MAX_VALUE])
    else:
        kept = set(line.words[1:])
        reset = line.keyword == "resetenv"
        for each in [each for each in variables if (each in kept) != reset]:
            del variables[each]


def _value(match: re.Match[str], environment: Mapping[str, str]) -> str:
    return environment.get(match[1] or match[3], match[2] or "")


def _split(raw: str, environment: Mapping[str, str]) -> tuple[list[str], int, list[str]]:
    """The words, the start of the comment, and the variables (parse_line in haproxy's tools.c)."""
    words: list[str] = []
    variables: list[str] = []
    word: str | None = None
    quote, at = "", 0
    while at < len(raw):
        char, step = raw[at], 1
        if quote and char == quote:
            quote = ""
        elif not quote and char in "\"'":
            quote, word = char, word or ""
        elif not quote and char == "#":
            break
        elif not quote and char.isspace():
            words += [] if word is None else [word]
            word = None
        else:
            part, step = _part(raw, at, quote, environment, variables)
            word = (word or "") + part
        at += step
    words += [] if word is None else [word]
    return words, at, variables


def _part(
    raw: str, at: int, quote: str, environment: Mapping[str, str], variables: list[str]
) -> tuple[str, int]:
    """The value of the next part of a word, and its length in the text."""
    char, following = raw[at], raw[at + 1 : at + 2]
    if char == "\\" and following and (not quote or (quote == '"' and following in '"\\$')):
        return (following if quote else _ESCAPES.get(following, following)), 2
    match = _VARIABLE.match(raw, at) if char == "$" and quote == '"' else None
    if match is None:
        return char, 1
    variables.append(match[1] or match[3])
    return _value(match, environment), len(match[0])


def texts(lines: Sequence[Line]) -> Iterator[str]:
    """Each line with single spaces."""
    for line in lines:
        yield " ".join(line.text.split())
