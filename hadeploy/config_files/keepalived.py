"""keepalived.conf as a tree, read as keepalived itself reads it (its lib/parser.c). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

# Their argument is one text with its own quoting, in which braces mean nothing.
_OF_TEXT = re.compile(r"(notify\w*|script)\s+(.*)")
# Without any of these a line has neither a comment nor a continuation.
_SPECIAL = re.compile(r"[\\#!]")
# Every repetition that may have to be tried again has a bound: the file may be an enemy's.
_WORDS = re.compile(r'"([^"]*)"?|([{}])|((?:\$\{[^}]{0,128}\}|[^\s"{}])+)')
# keepalived's own blocks are four deep at most.
MOST_DEPTH = 50


@dataclass(frozen=True)
class Statement:
    """A line, and the lines in the braces behind it.

    Attributes:
        words: the keyword and its arguments, without quotes; they may hold a secret.
        block: what is in the braces.
    """

    words: tuple[str, ...] = field(repr=False)
    block: tuple[Statement, ...] = ()

    @property
    def keyword(self) -> str:
        """The first word."""
        return self.words[0] if self.words else ""

    @property
    def argument(self) -> str:
        """The second word, or nothing."""
        return self.words[1] if len(self.words) > 1 else ""

    def all(self, *keywords: str) -> list[Statement]:
        """The statements in its block that begin with one of these, in order."""
        return [s for s in self.block if s.keyword in keywords]

    def last(self, keyword: str) -> Statement | None:
        """The statement that counts where one is given twice."""
        return next((s for s in reversed(self.block) if s.keyword == keyword), None)

    def value(self, keyword: str) -> str | None:
        """The argument of the statement that counts; None if there is none."""
        found = self.last(keyword)
        return None if found is None else found.argument

    def walk(self) -> Iterator[Statement]:
        """It and everything in it."""
        yield self
        for inner in self.block:
            yield from inner.walk()


def parse(text: str) -> Statement:
    """The whole file, as the block of a statement without words.

    Braces that are missing are closed at the end. Superfluous ones are ignored, and so are those of
    blocks that are deeper than any of keepalived's.

    Args:
        text: of keepalived.conf.
    """
    open_blocks: list[list[Statement]] = [[]]
    names: list[tuple[str, ...]] = [()]
    too_deep = 0
    for line in _lines(text):
        words: list[str] = []
        for word, brace in _tokens(line):
            if not brace:
                words.append(word)
            elif brace == "{" and len(names) > MOST_DEPTH:
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
    """What a block belongs to: the words before the brace, or the line above it."""
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
    """The lines without comments and indentation; a backslash at the end joins the next one."""
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
            # An escaped # is one in some versions and a comment in others: it stays escaped.
            kept += line[i : i + 2]
            i += 2
            continue
        elif char in "#!" and not quoted:
            break
        kept += char
        i += 1
    return kept.strip(), False
