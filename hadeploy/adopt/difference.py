"""A difference that a takeover makes, and the lines of an inventory that avoid it. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from hadeploy.inventory.cluster import Cluster
from hadeploy.inventory.rules import broken_rules

# The key that identifies an item of a list, if items are merged.
_IDENTITY = {"listeners": "port", "nodes": "address"}
_PLAIN = re.compile(
    r"[A-Za-z][A-Za-z0-9_.-]*|[0-9]+(ms|s|m|h|d)|([0-9]+\.){3}[0-9]+(/[0-9]+|:[0-9]+)?"
)
_RESERVED = ("true", "false", "null", "yes", "no", "on", "off")
NO_KEY = "the inventory has no key for it"
NO_FILE = "hadeploy's container does not have that file"
OWN_TEMPLATE = "the inventory has no key for it; use your own template: templates.folder"

Keep = Mapping[str, Any]


@dataclass(frozen=True)
class Difference:
    """A difference.

    Attributes:
        what: the difference as a phrase, without secrets.
        keep: the part of an inventory that avoids it, or None.
        why: the advice if `keep` is None.
    """

    what: str
    keep: Keep | None = field(default=None, hash=False)
    why: str = NO_KEY

    @property
    def key(self) -> str:
        """The YAML that avoids it, or the advice."""
        return self.why if self.keep is None else "\n".join(flow_lines(self.keep))

    @property
    def sentence(self) -> str:
        """The difference and how to avoid it."""
        if self.keep is None:
            return f"{self.what} ({self.why})"
        return f"{self.what} (to keep it: {' and '.join(flow_lines(self.keep))})"


def different(
    cluster: Cluster, what: str, *keeps: Keep | None, why: str = OWN_TEMPLATE
) -> Difference:
    """A difference, with the first part of an inventory that avoids it and is valid.

    Args:
        what: the difference as a phrase, without secrets.
        keeps: parts of an inventory, the shortest first.
        why: the advice if none is valid.
    """
    keep = next((keep for keep in keeps if keep is not None and accepts(cluster, keep)), None)
    return Difference(what, keep, why)


def accepts(cluster: Cluster, keep: Keep) -> bool:
    """Whether the inventory is valid with that part."""
    document = cluster.model_dump(mode="json", by_alias=True, exclude_unset=True)
    try:
        return not broken_rules(Cluster.model_validate(merged(document, keep)))
    except ValidationError:
        return False


def merged(base: Any, added: Any, path: Sequence[str] = ()) -> Any:
    """Merge a document into another.

    Merges mappings, listeners with the same port, and nodes with the same address. Appends
    verbatim lines (`templates.extra`). Replaces everything else.
    """
    if isinstance(base, Mapping) and isinstance(added, Mapping):
        new = {k: merged(base.get(k), v, (*path, k)) for k, v in added.items()}
        return {**base, **new}
    if isinstance(added, Mapping):
        return {key: merged(None, value, (*path, key)) for key, value in added.items()}
    identity = _IDENTITY.get(path[-1] if path else "")
    if identity and isinstance(added, list):
        return _merged_items(base or [], added, identity)
    if tuple(path[:2]) == ("templates", "extra") and base:
        lines = str(base).rstrip("\n").split("\n")
        return "\n".join([*lines, *(line for line in added.split("\n") if line not in lines)])
    return added


def _merged_items(base: Iterable[Any], added: Iterable[Any], identity: str) -> list[Any]:
    items = [item if isinstance(item, Mapping) else {identity: item} for item in base]
    # The default port of a listener.
    default = 9443 if identity == "port" else None
    for new in added:
        at = next(
            (i for i, old in enumerate(items) if old.get(identity, default) == new[identity]), None
        )
        if at is None:
            items.append(merged(None, new))
        else:
            items[at] = merged(items[at], new)
    return items


def together(keeps: Iterable[Keep]) -> dict[str, Any]:
    """All parts as one document."""
    document: dict[str, Any] = {}
    for keep in keeps:
        document = merged(document, keep)
    return document


def flow_lines(keep: Keep) -> list[str]:
    """YAML in flow style, one line per key."""
    return [f"{key}: {_flow(value)}" for key, value in keep.items()]


def block(document: Any, indent: str = "") -> Iterable[str]:
    """YAML in block style."""
    for key, value in document.items():
        if isinstance(value, Mapping):
            yield f"{indent}{key}:"
            yield from block(value, f"{indent}  ")
        elif isinstance(value, str) and "\n" in value:
            yield f"{indent}{key}: |"
            yield from (f"{indent}  {line}" for line in value.split("\n"))
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            yield f"{indent}{key}:"
            for item in value:
                first, *others = block(item, f"{indent}    ")
                yield f"{indent}  - {first.strip()}"
                yield from others
        else:
            yield f"{indent}{key}: {_flow(value)}"


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(flow_lines(value)) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value not in _RESERVED:
        return value
    return json.dumps(value, ensure_ascii=False)
