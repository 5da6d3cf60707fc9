"""YAML 1.2 text to plain data that remembers where each value stood.

ruamel.yaml parses; the data is built here from its events, because a constructor would build
objects for tags, expand bombs and forget places. Only text, numbers, true/false, null, lists and
mappings can come out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML, events
from ruamel.yaml.error import MarkedYAMLError

from hadeploy.inventory.problems import KeyPath, printable, shown
from hadeploy.inventory.source import START, Spot, Unreadable

MAX_DEPTH = 16
MAX_VALUES = 10_000

_TEXT_TAGS = ("!", "tag:yaml.org,2002:str")
_PLAIN_TAGS = ("!", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map")

# The core schema, YAML 1.2.2 section 10.3.2: `yes`, dates and 1_000 are text there.
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INT = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"([-+]?)\.(inf|Inf|INF|nan|NaN|NAN)")

# What ruamel says of the commonest slips helps nobody who does not know YAML's grammar.
_PLAINER = {
    "found character '\\t' that cannot start any token": "a tab cannot indent; use spaces",
    "mapping values are not allowed here": "a ':' that belongs to no key; is the line above or the"
    " indentation right, or does the value need quotes?",
    "could not find expected ':'": "this key has no ':' after it",
    "found unexpected end of stream": "the file ends inside a quoted text",
    "expected <block end>, but found '<block mapping start>'": "the indentation fits no line above",
    "expected <block end>, but found '-'": "the indentation of this '-' fits no list above",
}


@dataclass
class Item:
    """One value, where it began, what it holds, and how many values it counts for."""

    spot: Spot
    data: Any
    size: int = 1
    children: dict[str | int, Item] = field(default_factory=dict)
    key_spots: dict[str | int, Spot] = field(default_factory=dict)


@dataclass(frozen=True)
class Document:
    """A parsed inventory: plain data, its places, and mistakes that did not stop the reading."""

    root: Item
    problems: tuple[tuple[Spot, KeyPath, str], ...]

    def spot(self, path: KeyPath, *, of_key: bool = False) -> Spot:
        """Where a value begins, or the nearest thing around it that is in the file.

        Args:
            path: its key path.
            of_key: the place of the key rather than the value's.
        """
        item, key_spot = self.root, self.root.spot
        for part in path:
            if part not in item.children:
                return item.spot
            child = item.children[part]
            item, key_spot = child, item.key_spots.get(part, child.spot)
        # What is empty has no place of its own: ruamel would name the line after it.
        return key_spot if of_key or item.data is None else item.spot

    def has(self, path: KeyPath) -> bool:
        """Whether that very path is in the file."""
        item: Item | None = self.root
        for part in path:
            item = item.children.get(part) if item else None
        return item is not None


def parse(text: str) -> Document:
    """Parse one YAML document.

    Args:
        text: text that `source.check_text` has accepted.

    Returns:
        The document.

    Raises:
        Unreadable: it is not YAML, or not one document, or it would expand without measure.
    """
    builder = _Builder(_events(text))
    root = builder.document()
    return Document(root, tuple(builder.problems))


def _events(text: str) -> Iterator[events.Event]:
    last = START
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            yield event
            last = _spot(event.end_mark)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = str(error.problem or error.context or "cannot be understood")
        spot = _spot(mark) if mark else last
        if problem.startswith("expected '<document start>'"):
            problem = "this does not belong to what is above; is the indentation right?"
        raise Unreadable(spot, f"not YAML: {printable(_PLAINER.get(problem, problem))}") from None
    except Exception:  # noqa: BLE001 - ruamel lets ValueError, OverflowError and others escape
        raise Unreadable(last, "not YAML: what follows cannot be understood") from None


def _spot(mark: Any) -> Spot:
    return Spot(mark.line + 1, mark.column + 1)


class _Builder:
    def __init__(self, stream: Iterator[events.Event]) -> None:
        self.stream = stream
        self.problems: list[tuple[Spot, KeyPath, str]] = []
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
                _spot(after.start_mark), "a second YAML document; an inventory is one document"
            )
        return root

    def item(self, event: Any, path: KeyPath) -> Item:
        spot = _spot(event.start_mark)
        if isinstance(event, events.AliasEvent):
            return self.counted(self.alias(event, spot), spot)
        if len(path) > MAX_DEPTH:
            raise Unreadable(spot, f"nested deeper than {MAX_DEPTH} levels")
        if event.anchor:
            self.anchors[event.anchor] = None
        if isinstance(event, events.ScalarEvent):
            item = Item(spot, self.scalar(event, spot, path))
        elif isinstance(event, events.SequenceStartEvent):
            item = self.sequence(event, spot, path)
        else:
            item = self.mapping(event, spot, path)
        if event.anchor:
            self.anchors[event.anchor] = item
        return item

    def counted(self, item: Item, spot: Spot) -> Item:
        self.values += item.size
        if self.values > MAX_VALUES:
            raise Unreadable(
                spot, f"more than {MAX_VALUES} values (aliases counted in full): not an inventory"
            )
        return item

    def alias(self, event: Any, spot: Spot) -> Item:
        if event.anchor not in self.anchors:
            raise Unreadable(spot, f"the alias {shown(event.anchor)} has no anchor before it")
        item = self.anchors[event.anchor]
        if item is None:
            raise Unreadable(spot, f"the alias {shown(event.anchor)} is used inside itself")
        return item

    def scalar(self, event: Any, spot: Spot, path: KeyPath) -> Any:
        self.counted(Item(spot, None), spot)
        if event.tag is None and event.implicit[0]:
            return resolve(event.value)
        if event.tag is not None and event.tag not in _TEXT_TAGS:
            self.problem(spot, path, f"the YAML tag {shown(str(event.tag))} is not allowed here")
        return event.value

    def sequence(self, event: Any, spot: Spot, path: KeyPath) -> Item:
        self.counted(Item(spot, None), spot)
        self.refuse_tag(event, spot, path)
        item = Item(spot, [])
        while not isinstance(entry := next(self.stream), events.SequenceEndEvent):
            index = len(item.data)
            child = self.item(entry, (*path, index))
            item.data.append(child.data)
            item.children[index] = child
            item.size += child.size
        return item

    def mapping(self, event: Any, spot: Spot, path: KeyPath) -> Item:
        self.counted(Item(spot, None), spot)
        self.refuse_tag(event, spot, path)
        item, merged = Item(spot, {}), []
        while not isinstance(entry := next(self.stream), events.MappingEndEvent):
            key_spot = _spot(entry.start_mark)
            merges = (
                isinstance(entry, events.ScalarEvent) and entry.value == "<<" and entry.implicit[0]
            )
            key = self.key(entry, path)
            child = self.item(next(self.stream), (*path, key))
            if merges:
                merged += self.merged(child, path)
            elif key in item.children:
                first = item.key_spots[key]
                self.problem(
                    key_spot,
                    (*path, key),
                    f"given twice; the first one is at {first.line}:{first.column}",
                )
            else:
                _put(item, key, child, key_spot)
        for source in merged:
            for name, inherited in source.children.items():
                if name not in item.children:
                    _put(item, str(name), inherited, source.key_spots[name])
        return item

    def key(self, event: Any, path: KeyPath) -> str:
        if isinstance(event, events.ScalarEvent):
            if event.anchor:
                self.anchors[event.anchor] = Item(_spot(event.start_mark), event.value)
            # Whatever 5 or null would mean elsewhere: as a key it is a word, mostly an unknown one.
            return str(event.value)
        spot = _spot(event.start_mark)
        # A level deeper, so that keys of keys of keys come to an end.
        found = self.item(event, (*path, "?"))
        if isinstance(event, events.AliasEvent) and isinstance(found.data, str):
            return found.data
        raise Unreadable(spot, "a key must be a word, not a list or a mapping")

    def merged(self, child: Item, path: KeyPath) -> list[Item]:
        sources = list(child.children.values()) if isinstance(child.data, list) else [child]
        if all(isinstance(source.data, dict) for source in sources):
            return sources
        self.problem(child.spot, path, "'<<' merges mappings, and this is none")
        return []

    def refuse_tag(self, event: Any, spot: Spot, path: KeyPath) -> None:
        if event.tag is not None and event.tag not in _PLAIN_TAGS:
            self.problem(spot, path, f"the YAML tag {shown(str(event.tag))} is not allowed here")

    def problem(self, spot: Spot, path: KeyPath, message: str) -> None:
        self.problems.append((spot, path, message))


def _put(item: Item, key: str, child: Item, key_spot: Spot) -> None:
    item.data[key] = child.data
    item.children[key] = child
    item.key_spots[key] = key_spot
    item.size += child.size


def resolve(text: str) -> str | int | float | bool | None:
    """What an unquoted text means in YAML 1.2.

    Args:
        text: the text as it stands.

    Returns:
        The null, boolean, number or text that it is.
    """
    if text in _WORDS:
        return _WORDS[text]
    if len(text) > 40:
        # No number that an inventory needs; int() refuses very long ones with a traceback.
        return text
    if _INT.fullmatch(text):
        return int(text)
    if _BASED.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text)
    special = _NOT_FINITE.fullmatch(text)
    return float(special[1] + special[2]) if special else text
