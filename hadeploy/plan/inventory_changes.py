"""Which fields of the inventory change, and whose changes that undoes. Pure."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hadeploy.inventory.cluster import Cluster
from hadeploy.inventory.problems import printable
from hadeploy.observe.observed_node import Applied, InventoryChange

MOST_CHANGES = 20
MOST_FIELDS = 200
MOST_TOLD = 8
MOST_CHARACTERS = 60
# The digest of a value that is not there.
ABSENT = ""
# How a change names what a field only points to.
CONTENT = "the content of "
# What items of a list are called by.
_NAMES = ("name", "address", "port")


@dataclass(frozen=True)
class Field:
    """A field that two inventories have different values for.

    Attributes:
        path: as in `listeners.kube-apiserver.port`.
        before: its value; None also if it is not there.
        after: the same of the other inventory.
        added: whether only the other inventory has it.
        removed: whether the other inventory does not have it.
    """

    path: str
    before: Any
    after: Any
    added: bool = False
    removed: bool = False

    @property
    def digest_before(self) -> str:
        """What tells the former value from others."""
        return ABSENT if self.added else _digest(self.before)

    @property
    def digest_after(self) -> str:
        """What tells the later value from others."""
        return ABSENT if self.removed else _digest(self.after)


def recorded_inventory(cluster: Cluster) -> dict[str, Any]:
    """What a record keeps of an inventory: how nodes are reached is this machine's matter."""
    return cluster.model_dump(
        mode="json", by_alias=True, exclude={"ssh": True, "nodes": {"__all__": {"ssh"}}}
    )


def newest(records: Iterable[Applied | None]) -> Applied | None:
    """The record that was written last."""
    return max((record for record in records if record), key=lambda r: r.at, default=None)


def with_change(
    record: Applied | None,
    inventory: Mapping[str, Any],
    by: str,
    at: str,
    contents: Mapping[str, str] | None = None,
) -> tuple[InventoryChange, ...]:
    """The changes of the inventory so far, and the present one, which is first.

    Args:
        record: the newest that the nodes have.
        inventory: what is applied.
        by: who applies it.
        at: when, in ISO 8601.
        contents: what the inventory points to, as the record has it.
    """
    if record is None or not record.inventory:
        return ()
    pointed = {path: before for path, before, _ in _contents(record, inventory, contents)}
    fields = list(differences(record.inventory, inventory))[: MOST_FIELDS - len(pointed)]
    was = {**{field.path: field.digest_before for field in fields}, **pointed}
    change = InventoryChange(by, at, was)
    return ((change, *record.changes) if was else record.changes)[:MOST_CHANGES]


def undone(
    record: Applied | None,
    inventory: Mapping[str, Any],
    by: str,
    contents: Mapping[str, str] | None = None,
) -> tuple[str, ...]:
    """Changes that others made and that an inventory does not have, in sentences.

    A field that gets a value which it had before somebody else changed it last is taken for one of
    an older inventory.

    Args:
        record: the newest that the nodes have.
        inventory: what is to be applied.
        by: who would apply it.
        contents: what the inventory points to.
    """
    if record is None:
        return ()
    found = []
    for field in differences(record.inventory, inventory):
        if change := _taken_back(record, field.path, field.digest_after, by):
            found.append(_sentence(field, change))
    for path, before, after in _contents(record, inventory, contents):
        if change := _taken_back(record, path, after, by):
            found.append(_sentence_on_content(path, before, after, change))
    if len(found) > MOST_TOLD:
        found[MOST_TOLD:] = [f"So do {len(found) - MOST_TOLD} more fields."]
    return tuple(found)


def _taken_back(record: Applied, path: str, after: str, by: str) -> InventoryChange | None:
    """The last change of a value, where another one made it and an older value comes back."""
    changes = [change for change in record.changes if path in change.was]
    if not changes or changes[0].by == by:
        return None
    return changes[0] if after in {change.was[path] for change in changes} else None


def _contents(
    record: Applied, inventory: Mapping[str, Any], contents: Mapping[str, str] | None
) -> Iterator[tuple[str, str, str]]:
    """What is pointed to and changes: its name in a change, and its digests before and after.

    Where the field that points to it comes or goes, that is a change of the field.
    """
    if record.contents is None or contents is None:
        return
    for path in sorted({*record.contents, *contents}):
        field = path.partition("/")[0]
        before, after = record.contents.get(path, ABSENT), contents.get(path, ABSENT)
        if before != after and _points(record.inventory, field) and _points(inventory, field):
            yield CONTENT + path, before, after


def _points(inventory: Mapping[str, Any], field: str) -> bool:
    """Whether a field, as in `vrrp.password`, has a value."""
    value: Any = inventory
    for key in field.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return bool(value)


def applied_by_another(record: Applied | None, by: str) -> str:
    """Who applied what the nodes have, and when; "" if that is who asks."""
    if record is None or record.by == by:
        return ""
    return f"What the nodes have was applied by {record.by}, {when(record.at)}."


def gone_back(record: Applied | None, previous: Applied) -> str:
    """Whose configuration a rollback brings back, and whose it replaces.

    Args:
        record: the newest that the nodes have.
        previous: of the configuration that comes back.
    """
    back = f"This goes back to what {previous.by} applied, {when(previous.at)}"
    return (
        f"{back}."
        if record is None
        else f"{back}, from what {record.by} applied, {when(record.at)}."
    )


def when(at: str) -> str:
    """A time in ISO 8601, for people."""
    try:
        time = datetime.datetime.fromisoformat(at).astimezone(datetime.timezone.utc)
    except ValueError:
        return at
    return f"{time:%Y-%m-%d %H:%M} UTC"


def differences(
    before: Mapping[str, Any], after: Mapping[str, Any], path: str = ""
) -> Iterator[Field]:
    """The fields in which two inventories differ; of one that is not there, not its parts.

    Args:
        before: as `recorded_inventory` gives it.
        after: the same.
        path: of the part that they are.
    """
    for key in dict.fromkeys((*before, *after)):
        place = f"{path}.{key}" if path else key
        if key not in before:
            yield Field(place, None, after[key], added=True)
        elif key not in after:
            yield Field(place, before[key], None, removed=True)
        elif before[key] != after[key]:
            old, new = _by_name(before[key]), _by_name(after[key])
            if old is not None and new is not None:
                yield from differences(old, new, place)
            else:
                yield Field(place, before[key], after[key])


def _by_name(value: Any) -> Mapping[str, Any] | None:
    """An object, or a list of objects by their names; None for anything else."""
    if isinstance(value, Mapping):
        return value
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        return None
    named = {next((str(i[k]) for k in _NAMES if i.get(k)), ""): i for i in value}
    return named if len(named) == len(value) and "" not in named else None


def _sentence(field: Field, change: InventoryChange) -> str:
    when_changed = f"{change.by}, {when(change.at)}"
    if field.removed:
        return f"{field.path} goes away again: it was added by {when_changed}."
    if field.added:
        return f"{field.path} comes back: it was removed by {when_changed}."
    return (
        f"{field.path} goes back from {_shown(field.before)} to {_shown(field.after)}: "
        f"it was changed by {when_changed}."
    )


def _sentence_on_content(path: str, before: str, after: str, change: InventoryChange) -> str:
    when_changed = f"{change.by}, {when(change.at)}"
    if after == ABSENT:
        return f"{path} goes away again: it was added by {when_changed}."
    if before == ABSENT:
        return f"{path} comes back: it was removed by {when_changed}."
    return f"{path} goes back to an older one: it was changed by {when_changed}."


def _shown(value: Any) -> str:
    text = printable(value if isinstance(value, str) else json.dumps(value))
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}…"


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]
