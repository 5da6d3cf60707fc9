"""From applied.json to an applied record. Pure."""

from __future__ import annotations

import ipaddress
import json
import re
from typing import Any

from hadeploy.inventory.fields import INTERFACE_NAME, NAME
from hadeploy.inventory.problems import printable
from hadeploy.observe.observed_node import Applied, InventoryChange

# More than that no cluster has; a node's word is not taken without bounds.
MOST_LISTENERS = 1000
MOST_VIPS = 1000
MOST_MEMBERS = 2000
MOST_CHANGES = 1000
MOST_FILES = 1000
MOST_BYTES = 8 * 1024 * 1024
# Of an inventory, which has at most half as many levels.
MOST_DEPTH = 20
# As datetime.isoformat writes it.
_MOMENT = (
    r"20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?[+-][0-9]{2}:[0-9]{2}"
)
_PATH = r"[A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)*"
MOST_CONTENTS = 1000


def parse_record(content: bytes) -> Applied | None:
    """An applied record; None if it cannot be read, or is not what hadeploy writes."""
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
            config_ids={
                role: _text(data.get(f"{role}_config_id", "")) for role in ("haproxy", "keepalived")
            },
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


def _changes(told: Any) -> tuple[InventoryChange, ...]:
    """The changes of the inventory.

    Raises:
        ValueError: they are not what hadeploy writes.
    """
    if not isinstance(told, list) or len(told) > MOST_CHANGES:
        raise ValueError("no list of changes")
    found = []
    for change in told:
        was = {_text(path): _text(digest) for path, digest in _texts(change["was"]).items()}
        found.append(InventoryChange(_text(change["by"]), _matching(_MOMENT, change["at"]), was))
    return tuple(found)


def _object(told: Any) -> dict[str, Any]:
    if not isinstance(told, dict):
        raise ValueError("no object")
    return dict(told)


def _refuse_depth(told: Any, most: int) -> None:
    """Refuse what is nested deeper than an inventory is.

    Raises:
        ValueError: it is.
    """
    if most == 0:
        raise ValueError("nested too deep")
    if isinstance(told, (dict, list)):
        for value in told.values() if isinstance(told, dict) else told:
            _refuse_depth(value, most - 1)


def _matching(form: str, told: Any) -> str:
    text = _text(told)
    if not re.fullmatch(form, text):
        raise ValueError(f"{text!r} is not as it should be")
    return text


def _texts(told: Any) -> dict[str, str]:
    """Names and texts.

    Raises:
        ValueError: they are none.
    """
    entries = _object(told)
    if len(entries) > MOST_FILES or not all(isinstance(text, str) for text in entries.values()):
        raise ValueError("no texts")
    return entries


def _files(told: Any) -> dict[str, str]:
    """Path below our folder → hash.

    Raises:
        ValueError: they are not what hadeploy writes.
    """
    files = _texts(told)
    if not all(re.fullmatch(_PATH, path) and ".." not in path.split("/") for path in files):
        raise ValueError("no path of a file")
    return files


def _contents(told: Any) -> dict[str, str] | None:
    """What the inventory points to, and the digest of each.

    Raises:
        ValueError: it is not what hadeploy writes.
    """
    if told is None:
        return None
    if not isinstance(told, dict) or len(told) > MOST_CONTENTS:
        raise ValueError("no digests of contents")
    return {_text(path): _text(digest) for path, digest in told.items()}


def _listeners(told: Any) -> dict[int, str]:
    """Port → name.

    Raises:
        ValueError: they are not what hadeploy writes.
    """
    if not isinstance(told, list) or len(told) > MOST_LISTENERS:
        raise ValueError("no list of listeners")
    found = {}
    for listener in told:
        name = listener.get("name", "")
        if not isinstance(name, str) or (name and not re.fullmatch(NAME, name)):
            raise ValueError("no name of a listener")
        found[_port(listener["port"])] = name
    return found


def _metrics_port(haproxy: Any) -> int | None:
    metrics = haproxy.get("metrics") if isinstance(haproxy, dict) else None
    return _port(metrics["port"]) if metrics is not None else None


def _port(told: Any) -> int:
    if type(told) is not int or not 1 <= told <= 65535:
        raise ValueError("no port")
    return told


def _text(told: Any) -> str:
    if not isinstance(told, str):
        raise ValueError("no text")
    return printable(told)


def _addresses(told: Any) -> tuple[str, ...]:
    if not isinstance(told, list) or len(told) > MOST_MEMBERS:
        raise ValueError("no list of addresses")
    for address in told:
        ipaddress.ip_address(address if isinstance(address, str) else None)  # type: ignore[arg-type]
    return tuple(told)


def _vips(told: Any) -> tuple[str, ...]:
    if not isinstance(told, list) or len(told) > MOST_VIPS:
        raise ValueError("no list of VIPs")
    for vip in told:
        ipaddress.ip_interface(vip if isinstance(vip, str) else None)  # type: ignore[arg-type]
    return tuple(told)
