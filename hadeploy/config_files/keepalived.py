"""keepalived.conf as a tree, parsed as by keepalived (lib/parser.c). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

# Keywords whose argument is one text, in which braces have no meaning.
_OF_TEXT = re.compile(r"(notify\w*|script)\s+(.*)")
# A line without these characters has neither a comment nor a continuation.
_SPECIAL = re.compile(r"[\\#!]")
# Repetitions that can backtrack are bounded, because the file may be malicious.
_WORDS = re.compile(r'"([^"]*)"?|([{}])|((?:\$\{[^}]{0,128}\}|[^\s"{}])+)')
# A bound for nested blocks; keepalived uses at most four levels.
MAX_DEPTH = 50


@dataclass(frozen=True)
class Statement:
    """A line and its block in braces.

    Attributes:
        words: the keyword and its arguments, without quotes; may contain a secret.
        block: the statements in the braces.
    """

    words: tuple[str, ...] = field(repr=False)
    block: tuple[Statement, ...] = ()

    @property
    def keyword(self) -> str:
        """The first word."""
        return self.words[0] if self.words else ""

    @property
    def argument(self) -> str:
        """The second word, or ""."""
        return self.words[1] if len(self.words) > 1 else ""

    def all(self, *keywords: str) -> list[Statement]:
        """The statements in its block with one of these keywords, in order."""
        return [s for s in self.block if s.keyword in keywords]

    def last(self, keyword: str) -> Statement | None:
        """The last statement with this keyword, which overrides earlier ones."""
        return next((s for s in reversed(self.block) if s.keyword == keyword), None)

    def value(self, keyword: str) -> str | None:
        """The argument of the last statement with this keyword, or None."""
        found = self.last(keyword)
        return None if found is None else found.argument

    def walk(self) -> Iterator[Statement]:
        """This statement and all statements in its block, recursively."""
        yield self
        for inner in self.block:
            yield from inner.walk()


def parse(text: str) -> Statement:
    """Parse a file into the block of a statement without words.

    Missing closing braces are added at the end. Superfluous ones are ignored, and so are the braces
    of blocks deeper than MAX_DEPTH.
    """
    open_blocks: list[list[Statement]] = [[]]
    names: list[tuple[str, ...]] = [()]
    too_deep = 0
    for line in _lines(text):
        words: list[str] = []
        for word, brace in _tokens(line):
            if not brace:
                words.append(word)
            elif brace == "{" and len(names) > MAX_DEPTH:
                too_deep, words = too_deep + 1, []
            elif brace == "}" and too_deep:
                too_deep, words = too_deep - 1, []
            elif brace == "{":
                names.append(_name(words, open_blocks[-1]))
                open_blocks.append([])
                words = []
            else:
                _add(open_blocks[-1], words)
                words = []
                if len(names) > 1:
                    block = tuple(open_blocks.pop())
                    open_blocks[-1].append(Statement(names.pop(), block))
        _add(open_blocks[-1], words)
    while len(names) > 1:
        block = tuple(open_blocks.pop())
        open_blocks[-1].append(Statement(names.pop(), block))
    return Statement((), tuple(open_blocks[0]))


def _name(words: list[str], before: list[Statement]) -> tuple[str, ...]:
    """The words of a block: those before the brace, or the line above it."""
    if words or not before or before[-1].block:
        return tuple(words)
    return before.pop().words


def _add(block: list[Statement], words: list[str]) -> None:
    if words:
        block.append(Statement(tuple(words)))


def _tokens(line: str) -> Iterator[tuple[str, str]]:
    """(word, "") or ("", brace)."""
    with_text = _OF_TEXT.match(line)
    if with_text:
        yield with_text[1], ""
        yield with_text[2].strip().removeprefix('"').removesuffix('"'), ""
        return
    for quoted, brace, plain in _WORDS.findall(line):
        yield ("", brace) if brace else (plain or quoted, "")


def _lines(text: str) -> Iterator[str]:
    """The lines without comments and indentation; a backslash at the end joins two lines."""
    held = ""
    for line in text.splitlines():
        plain, goes_on = _decomment(line)
        held += plain
        if goes_on:
            held += " "
            continue
        if held:
            yield held
        held = ""
    if held:
        yield held


def _decomment(line: str) -> tuple[str, bool]:
    """A line without its comment, and whether it ends in a backslash."""
    if not _SPECIAL.search(line):
        return line.strip(), False
    kept, quoted, i = "", False, 0
    while i < len(line):
        char = line[i]
        if char == '"':
            quoted = not quoted
        elif char == "\\":
            if i + 1 == len(line):
                return kept.strip(), True
            # An escaped # is a comment only in some versions, so the escape is kept.
            kept += line[i : i + 2]
            i += 2
            continue
        elif char in "#!" and not quoted:
            break
        kept += char
        i += 1
    return kept.strip(), False
