"""One thing that adopting changes, and the lines of an inventory that keep it as it is. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from hadeploy.inventory.cluster import Cluster
from hadeploy.inventory.rules import broken_rules

# What identifies an item of a list, where items are merged and not replaced.
_IDENTITY = {"listeners": "port", "nodes": "address"}
_PLAIN = re.compile(
    r"[A-Za-z][A-Za-z0-9_.-]*|[0-9]+(ms|s|m|h|d)|([0-9]+\.){3}[0-9]+(/[0-9]+|:[0-9]+)?"
)
_RESERVED = ("true", "false", "null", "yes", "no", "on", "off")
NO_KEY = "no inventory key for it"
NO_FILE = "our container does not have that file"
OWN_TEMPLATE = "no inventory key for it; it needs a template of your own: templates.folder"

Keep = Mapping[str, Any]


@dataclass(frozen=True)
class Difference:
    """One thing that would change.

    Attributes:
        what: in words, without secrets.
        keep: the part of an inventory that keeps it as it is; None if there is none.
        why: what to do where `keep` is None.
    """

    what: str
    keep: Keep | None = field(default=None, hash=False)
    why: str = NO_KEY

    @property
    def key(self) -> str:
        """What keeps it, as YAML to paste, or in words."""
        return self.why if self.keep is None else "\n".join(flow_lines(self.keep))

    @property
    def sentence(self) -> str:
        """Both, for people."""
        if self.keep is None:
            return f"{self.what} ({self.why})"
        return f"{self.what} (to keep it: {' and '.join(flow_lines(self.keep))})"


def different(
    cluster: Cluster, what: str, *keeps: Keep | None, why: str = OWN_TEMPLATE
) -> Difference:
    """A difference with the first of several ways to keep it that the inventory accepts.

    Args:
        what: in words, without secrets.
        keeps: parts of an inventory, the shortest first.
        why: what to do where none is accepted.
    """
    keep = next((keep for keep in keeps if keep is not None and accepts(cluster, keep)), None)
    return Difference(what, keep, why)


def accepts(cluster: Cluster, keep: Keep) -> bool:
    """Whether an inventory with that part merged in is valid."""
    document = cluster.model_dump(mode="json", by_alias=True, exclude_unset=True)
    try:
        return not broken_rules(Cluster.model_validate(merged(document, keep)))
    except ValidationError:
        return False


def merged(base: Any, added: Any, path: Sequence[str] = ()) -> Any:
    """A document with another one merged into it.

    Mappings are merged, as are listeners of one port and nodes of one address; verbatim lines
    (`templates.extra`) are added at the end; everything else is replaced.
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
    # A listener that does not say its port has the usual one.
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
    """All of them as one document."""
    document: dict[str, Any] = {}
    for keep in keeps:
        document = merged(document, keep)
    return document


def flow_lines(keep: Keep) -> list[str]:
    """As YAML, one line for each key."""
    return [f"{key}: {_flow(value)}" for key, value in keep.items()]


def block(document: Any, indent: str = "") -> Iterable[str]:
    """As YAML on several lines."""
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
