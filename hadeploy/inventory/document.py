"""Parse YAML 1.2 to plain data with the position of each value.

This module builds the data from the events of ruamel.yaml. A constructor of ruamel.yaml would
create objects for tags, expand aliases without limit and lose the positions. The result contains
only text, numbers, true/false, null, lists and mappings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML, events
from ruamel.yaml.error import MarkedYAMLError

from hadeploy.inventory.problems import KeyPath, printable, shown
from hadeploy.inventory.source import START, Position, Unreadable

MAX_DEPTH = 16
MAX_VALUES = 10_000

_TEXT_TAGS = ("!", "tag:yaml.org,2002:str")
_PLAIN_TAGS = ("!", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map")

# The core schema, YAML 1.2.2 section 10.3.2, in which `yes`, dates and 1_000 are text.
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INT = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"([-+]?)\.(inf|Inf|INF|nan|NaN|NAN)")

# Replaces the messages of ruamel for common mistakes, which use terms of the YAML grammar.
_PLAINER = {
    "found character '\\t' that cannot start any token": "tab in the indentation; use spaces",
    "mapping values are not allowed here": "unexpected ':'; check the line above and the"
    " indentation, or put quotes around the value",
    "could not find expected ':'": "missing ':' after this key",
    "found unexpected end of stream": "missing closing quote",
    "expected <block end>, but found '<block mapping start>'": "the indentation matches no line"
    " above",
    "expected <block end>, but found '-'": "the indentation of this '-' matches no list above",
}


@dataclass
class Item:
    """One value.

    Attributes:
        size: the number of values in it, with aliases expanded.
    """

    position: Position
    data: Any
    size: int = 1
    children: dict[str | int, Item] = field(default_factory=dict)
    key_positions: dict[str | int, Position] = field(default_factory=dict)


@dataclass(frozen=True)
class Document:
    """A parsed inventory: plain data with positions, and errors that did not stop the parser."""

    root: Item
    problems: tuple[tuple[Position, KeyPath, str], ...]

    def position(self, path: KeyPath, *, of_key: bool = False) -> Position:
        """The position of a value, or of the innermost part of the path that exists.

        Args:
            path: its key path.
            of_key: whether to return the position of the key instead.
        """
        item, key_position = self.root, self.root.position
        for part in path:
            if part not in item.children:
                return item.position
            child = item.children[part]
            item, key_position = child, item.key_positions.get(part, child.position)
        # For an empty value, ruamel reports the line after it.
        return key_position if of_key or item.data is None else item.position

    def has(self, path: KeyPath) -> bool:
        """Whether the file contains that path."""
        item: Item | None = self.root
        for part in path:
            item = item.children.get(part) if item else None
        return item is not None


def parse(text: str) -> Document:
    """Parse one YAML document.

    Args:
        text: text that `source.check_text` has accepted.

    Raises:
        Unreadable: the text is not YAML, is not one document, or expands beyond a limit.
    """
    builder = _Builder(_events(text))
    root = builder.document()
    return Document(root, tuple(builder.problems))


def _events(text: str) -> Iterator[events.Event]:
    last = START
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            yield event
            last = _position(event.end_mark)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = str(error.problem or error.context or "syntax error")
        position = _position(mark) if mark else last
        if problem.startswith("expected '<document start>'"):
            problem = "unexpected content; check the indentation"
        raise Unreadable(
            position, f"not YAML: {printable(_PLAINER.get(problem, problem))}"
        ) from None
    except Exception:  # noqa: BLE001 - ruamel lets ValueError, OverflowError and others escape
        raise Unreadable(last, "not YAML: syntax error after this position") from None


def _position(mark: Any) -> Position:
    return Position(mark.line + 1, mark.column + 1)


class _Builder:
    def __init__(self, stream: Iterator[events.Event]) -> None:
        self.stream = stream
        self.problems: list[tuple[Position, KeyPath, str]] = []
        self.anchors: dict[str, Item | None] = {}
        self.values = 0

    def document(self) -> Item:
        next(self.stream)  # the start of the stream
        if isinstance(next(self.stream), events.StreamEndEvent):
            raise Unreadable(START, "is empty; an inventory needs at least vip and nodes")
        root = self.item(next(self.stream), ())
        next(self.stream)  # the end of the document
        after = next(self.stream)
        if isinstance(after, events.DocumentStartEvent):
            raise Unreadable(
                _position(after.start_mark), "a second YAML document; an inventory is one document"
            )
        return root

    def item(self, event: Any, path: KeyPath) -> Item:
        position = _position(event.start_mark)
        if isinstance(event, events.AliasEvent):
            return self.counted(self.alias(event, position), position)
        if len(path) > MAX_DEPTH:
            raise Unreadable(position, f"nested deeper than {MAX_DEPTH} levels")
        if event.anchor:
            self.anchors[event.anchor] = None
        if isinstance(event, events.ScalarEvent):
            item = Item(position, self.scalar(event, position, path))
        elif isinstance(event, events.SequenceStartEvent):
            item = self.sequence(event, position, path)
        else:
            item = self.mapping(event, position, path)
        if event.anchor:
            self.anchors[event.anchor] = item
        return item

    def counted(self, item: Item, position: Position) -> Item:
        self.values += item.size
        if self.values > MAX_VALUES:
            raise Unreadable(position, f"more than {MAX_VALUES} values (with aliases expanded)")
        return item

    def alias(self, event: Any, position: Position) -> Item:
        if event.anchor not in self.anchors:
            raise Unreadable(position, f"the alias {shown(event.anchor)} has no anchor before it")
        item = self.anchors[event.anchor]
        if item is None:
            raise Unreadable(position, f"the alias {shown(event.anchor)} is used inside itself")
        return item

    def scalar(self, event: Any, position: Position, path: KeyPath) -> Any:
        self.counted(Item(position, None), position)
        if event.tag is None and event.implicit[0]:
            return resolve(event.value)
        if event.tag is not None and event.tag not in _TEXT_TAGS:
            self.problem(
                position, path, f"the YAML tag {shown(str(event.tag))} is not allowed here"
            )
        return event.value

    def sequence(self, event: Any, position: Position, path: KeyPath) -> Item:
        self.counted(Item(position, None), position)
        self.refuse_tag(event, position, path)
        item = Item(position, [])
        while not isinstance(entry := next(self.stream), events.SequenceEndEvent):
            index = len(item.data)
            child = self.item(entry, (*path, index))
            item.data.append(child.data)
            item.children[index] = child
            item.size += child.size
        return item

    def mapping(self, event: Any, position: Position, path: KeyPath) -> Item:
        self.counted(Item(position, None), position)
        self.refuse_tag(event, position, path)
        item, merged = Item(position, {}), []
        while not isinstance(entry := next(self.stream), events.MappingEndEvent):
            key_position = _position(entry.start_mark)
            merges = (
                isinstance(entry, events.ScalarEvent) and entry.value == "<<" and entry.implicit[0]
            )
            key = self.key(entry, path)
            child = self.item(next(self.stream), (*path, key))
            if merges:
                merged += self.merged(child, path)
            elif key in item.children:
                first = item.key_positions[key]
                self.problem(
                    key_position,
                    (*path, key),
                    f"given twice; the first one is at {first.line}:{first.column}",
                )
            else:
                _put(item, key, child, key_position)
        for source in merged:
            for name, inherited in source.children.items():
                if name not in item.children:
                    _put(item, str(name), inherited, source.key_positions[name])
        return item

    def key(self, event: Any, path: KeyPath) -> str:
        if isinstance(event, events.ScalarEvent):
            if event.anchor:
                self.anchors[event.anchor] = Item(_position(event.start_mark), event.value)
            # As a key, 5 or null is text.
            return str(event.value)
        position = _position(event.start_mark)
        # One level deeper, so that MAX_DEPTH also limits nested keys.
        found = self.item(event, (*path, "?"))
        if isinstance(event, events.AliasEvent) and isinstance(found.data, str):
            return found.data
        raise Unreadable(position, "a key must be text, not a list or a mapping")

    def merged(self, child: Item, path: KeyPath) -> list[Item]:
        sources = list(child.children.values()) if isinstance(child.data, list) else [child]
        if all(isinstance(source.data, dict) for source in sources):
            return sources
        self.problem(child.position, path, "'<<' needs a mapping")
        return []

    def refuse_tag(self, event: Any, position: Position, path: KeyPath) -> None:
        if event.tag is not None and event.tag not in _PLAIN_TAGS:
            self.problem(
                position, path, f"the YAML tag {shown(str(event.tag))} is not allowed here"
            )

    def problem(self, position: Position, path: KeyPath, message: str) -> None:
        self.problems.append((position, path, message))


def _put(item: Item, key: str, child: Item, key_position: Position) -> None:
    item.data[key] = child.data
    item.children[key] = child
    item.key_positions[key] = key_position
    item.size += child.size


def resolve(text: str) -> str | int | float | bool | None:
    """The null, boolean, number or text that an unquoted text means in YAML 1.2."""
    if text in _WORDS:
        return _WORDS[text]
    if len(text) > 40:
        # Not a valid number of an inventory; int() raises an error for very long ones.
        return text
    if _INT.fullmatch(text):
        return int(text)
    if _BASED.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text)
    special = _NOT_FINITE.fullmatch(text)
    return float(special[1] + special[2]) if special else text
