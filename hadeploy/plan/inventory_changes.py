"""The changed fields of the inventory, and changes of other users that a run would undo. Pure."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hadeploy.inventory.cluster import Cluster
from hadeploy.inventory.problems import printable
from hadeploy.observe.applied import Applied, InventoryChange

MOST_CHANGES = 20
MOST_FIELDS = 200
MOST_TOLD = 8
MOST_CHARACTERS = 60
# The digest of a missing value.
ABSENT = ""
# Prefix of a field whose referenced content changes.
CONTENT = "the content of "
# The fields that identify an item of a list.
_NAMES = ("name", "address", "port")


@dataclass(frozen=True)
class Field:
    """A field with different values in two inventories.

    Attributes:
        path: such as `listeners.kube-apiserver.port`.
        before: the value in the first inventory, or None.
        after: the value in the second inventory, or None.
        added: whether only the second inventory has it.
        removed: whether only the first inventory has it.
    """

    path: str
    before: Any
    after: Any
    added: bool = False
    removed: bool = False

    @property
    def digest_before(self) -> str:
        """The digest of the value in the first inventory."""
        return ABSENT if self.added else _digest(self.before)

    @property
    def digest_after(self) -> str:
        """The digest of the value in the second inventory."""
        return ABSENT if self.removed else _digest(self.after)


def recorded_inventory(cluster: Cluster) -> dict[str, Any]:
    """The inventory for the record, without SSH settings, which depend on this machine."""
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
    """The changes of the inventory, with the current change first.

    Args:
        record: the newest record of the nodes.
        inventory: the inventory to apply.
        by: the user who applies it.
        at: the time, ISO 8601.
        contents: digests of contents to which the inventory refers.
    """
    if record is None or not record.inventory:
        return ()
    referenced = {path: before for path, before, _ in _contents(record, inventory, contents)}
    fields = list(differences(record.inventory, inventory))[: MOST_FIELDS - len(referenced)]
    was = {**{field.path: field.digest_before for field in fields}, **referenced}
    change = InventoryChange(by, at, was)
    return ((change, *record.changes) if was else record.changes)[:MOST_CHANGES]


def undone(
    record: Applied | None,
    inventory: Mapping[str, Any],
    by: str,
    contents: Mapping[str, str] | None = None,
) -> tuple[str, ...]:
    """A sentence for each change of another user that the inventory would undo.

    A field whose new value is one that it had before another user changed it probably comes from an
    outdated inventory.

    Args:
        record: the newest record of the nodes.
        inventory: the inventory to apply.
        by: the user who applies it.
        contents: digests of contents to which the inventory refers.
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
        found[MOST_TOLD:] = [f"The same applies to {len(found) - MOST_TOLD} more fields."]
    return tuple(found)


def _taken_back(record: Applied, path: str, after: str, by: str) -> InventoryChange | None:
    """The last change of a value, if another user made it and the run would undo it."""
    changes = [change for change in record.changes if path in change.was]
    if not changes or changes[0].by == by:
        return None
    return changes[0] if after in {change.was[path] for change in changes} else None


def _contents(
    record: Applied, inventory: Mapping[str, Any], contents: Mapping[str, str] | None
) -> Iterator[tuple[str, str, str]]:
    """The referenced contents that change: path, digest before and after.

    If the field with the reference is added or removed, that is a change of the field instead.
    """
    if record.contents is None or contents is None:
        return
    for path in sorted({*record.contents, *contents}):
        field = path.partition("/")[0]
        before, after = record.contents.get(path, ABSENT), contents.get(path, ABSENT)
        if before != after and _is_set(record.inventory, field) and _is_set(inventory, field):
            yield CONTENT + path, before, after


def _is_set(inventory: Mapping[str, Any], field: str) -> bool:
    """Whether a field, such as `vrrp.password`, has a value."""
    value: Any = inventory
    for key in field.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return bool(value)


def applied_by_another(record: Applied | None, by: str) -> str:
    """A sentence about the last change; "" if the same user made it."""
    if record is None or record.by == by:
        return ""
    return f"Last applied by {record.by}, {when(record.at)}."


def gone_back(record: Applied | None, previous: Applied) -> str:
    """A sentence about the configuration that a rollback restores, and the one it replaces.

    Args:
        record: the newest record of the nodes.
        previous: the record of the configuration to restore.
    """
    restored = f"This restores the configuration that {previous.by} applied, {when(previous.at)}"
    if record is None:
        return f"{restored}."
    return f"{restored}, and replaces the one that {record.by} applied, {when(record.at)}."


def when(at: str) -> str:
    """A readable form of an ISO 8601 time."""
    try:
        time = datetime.datetime.fromisoformat(at).astimezone(datetime.timezone.utc)
    except ValueError:
        return at
    return f"{time:%Y-%m-%d %H:%M} UTC"


def differences(
    before: Mapping[str, Any], after: Mapping[str, Any], path: str = ""
) -> Iterator[Field]:
    """The fields in which two inventories differ; an added or removed section is one field.

    Args:
        before: from `recorded_inventory`.
        after: the same.
        path: of the compared part.
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
    """A mapping, or a list of mappings by their names; None for other values."""
    if isinstance(value, Mapping):
        return value
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        return None
    named = {next((str(i[k]) for k in _NAMES if i.get(k)), ""): i for i in value}
    return named if len(named) == len(value) and "" not in named else None


def _sentence(field: Field, change: InventoryChange) -> str:
    who = f"{change.by}, {when(change.at)}"
    if field.removed:
        return f"{field.path} is removed again; it was added by {who}."
    if field.added:
        return f"{field.path} is added again; it was removed by {who}."
    return (
        f"{field.path} changes back from {_shown(field.before)} to {_shown(field.after)}; "
        f"it was changed by {who}."
    )


def _sentence_on_content(path: str, before: str, after: str, change: InventoryChange) -> str:
    who = f"{change.by}, {when(change.at)}"
    if after == ABSENT:
        return f"{path} is removed again; it was added by {who}."
    if before == ABSENT:
        return f"{path} is added again; it was removed by {who}."
    return f"{path} changes back to an older version; it was changed by {who}."


def _shown(value: Any) -> str:
    text = printable(value if isinstance(value, str) else json.dumps(value))
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}…"


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]
