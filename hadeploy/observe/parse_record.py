"""Parse the record (applied.json). Pure."""

from __future__ import annotations

import ipaddress
import json
import re
from typing import Any

from hadeploy.desired.roles import ROLES
from hadeploy.inventory.fields import INTERFACE_NAME, NAME
from hadeploy.inventory.problems import printable
from hadeploy.observe.applied import Applied, InventoryChange

# Limits that no valid record reaches, because the content comes from a node.
MOST_LISTENERS = 1000
MOST_VIPS = 1000
MOST_MEMBERS = 2000
MOST_CHANGES = 1000
MOST_FILES = 1000
MOST_BYTES = 8 * 1024 * 1024
# At least twice the depth of an inventory.
MOST_DEPTH = 20
# The format of datetime.isoformat.
_MOMENT = (
    r"20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?[+-][0-9]{2}:[0-9]{2}"
)
_PATH = r"[A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)*"
MOST_CONTENTS = 1000


def parse_record(content: bytes) -> Applied | None:
    """The record; None if it is not a valid record of hadeploy."""
    if len(content) > MOST_BYTES:
        return None
    try:
        data = _object(json.loads(content))
        _refuse_depth(data, MOST_DEPTH)
        inventory = _object(data["inventory"]) if "inventory" in data else {}
        listeners = _listeners(inventory.get("listeners", []))
        return Applied(
            vips=_vips(data["vips"]),
            interface=_matching(INTERFACE_NAME, data["interface"]),
            by=_text(data["by"]),
            at=_matching(_MOMENT, data["at"]),
            version=_text(data["version"]),
            files=_files(data["files"]),
            members=_addresses(data.get("members", [])),
            configuration=_text(data.get("configuration", "")),
            inventory=inventory,
            config_ids={role: _text(data.get(f"{role}_config_id", "")) for role in ROLES},
            ports=tuple(listeners),
            listeners=listeners,
            metrics_port=_metrics_port(inventory.get("haproxy")),
            containers=_texts(data.get("containers", {})),
            forgotten=_addresses(data.get("forgotten", [])),
            changes=_changes(data.get("changes", [])),
            contents=_contents(data.get("contents")),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _changes(value: Any) -> tuple[InventoryChange, ...]:
    """The changes of the inventory.

    Raises:
        ValueError: they are invalid.
    """
    if not isinstance(value, list) or len(value) > MOST_CHANGES:
        raise ValueError("not a list of changes")
    found = []
    for change in value:
        was = {_text(path): _text(digest) for path, digest in _texts(change["was"]).items()}
        found.append(InventoryChange(_text(change["by"]), _matching(_MOMENT, change["at"]), was))
    return tuple(found)


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return dict(value)


def _refuse_depth(value: Any, most: int) -> None:
    """Limit the depth.

    Raises:
        ValueError: the value is nested deeper.
    """
    if most == 0:
        raise ValueError("nested too deep")
    if isinstance(value, (dict, list)):
        for part in value.values() if isinstance(value, dict) else value:
            _refuse_depth(part, most - 1)


def _matching(form: str, value: Any) -> str:
    text = _text(value)
    if not re.fullmatch(form, text):
        raise ValueError(f"invalid value {text!r}")
    return text


def _texts(value: Any) -> dict[str, str]:
    """A mapping of names to texts.

    Raises:
        ValueError: it is not one.
    """
    entries = _object(value)
    if len(entries) > MOST_FILES or not all(isinstance(text, str) for text in entries.values()):
        raise ValueError("not a mapping of texts")
    return entries


def _files(value: Any) -> dict[str, str]:
    """Path in the cluster's folder → hash.

    Raises:
        ValueError: they are invalid.
    """
    files = _texts(value)
    if not all(re.fullmatch(_PATH, path) and ".." not in path.split("/") for path in files):
        raise ValueError("not the path of a file")
    return files


def _contents(value: Any) -> dict[str, str] | None:
    """The digests of contents to which the inventory refers.

    Raises:
        ValueError: they are invalid.
    """
    if value is None:
        return None
    if not isinstance(value, dict) or len(value) > MOST_CONTENTS:
        raise ValueError("not digests of contents")
    return {_text(path): _text(digest) for path, digest in value.items()}


def _listeners(value: Any) -> dict[int, str]:
    """Port → name.

    Raises:
        ValueError: they are invalid.
    """
    if not isinstance(value, list) or len(value) > MOST_LISTENERS:
        raise ValueError("not a list of listeners")
    found = {}
    for listener in value:
        name = listener.get("name", "")
        if not isinstance(name, str) or (name and not re.fullmatch(NAME, name)):
            raise ValueError("not the name of a listener")
        found[_port(listener["port"])] = name
    return found


def _metrics_port(haproxy: Any) -> int | None:
    metrics = haproxy.get("metrics") if isinstance(haproxy, dict) else None
    return _port(metrics["port"]) if metrics is not None else None


def _port(value: Any) -> int:
    if type(value) is not int or not 1 <= value <= 65535:
        raise ValueError("not a port")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("not text")
    return printable(value)


def _addresses(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > MOST_MEMBERS:
        raise ValueError("not a list of addresses")
    for address in value:
        ipaddress.ip_address(address if isinstance(address, str) else None)  # type: ignore[arg-type]
    return tuple(value)


def _vips(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > MOST_VIPS:
        raise ValueError("not a list of VIPs")
    for vip in value:
        ipaddress.ip_interface(vip if isinstance(vip, str) else None)  # type: ignore[arg-type]
    return tuple(value)
