"""From applied.json to an applied record. Pure."""

from __future__ import annotations

import ipaddress
import json
import re
from typing import Any

from hadeploy.inventory.fields import NAME
from hadeploy.inventory.problems import printable
from hadeploy.observe.model import Applied, InventoryChange

# More than that no cluster has; a node's word is not taken without bounds.
MOST_LISTENERS = 1000
MOST_VIPS = 1000
MOST_MEMBERS = 2000
MOST_CHANGES = 1000
MOST_CONTENTS = 1000


def parse_record(content: bytes) -> Applied | None:
    """An applied record; None if it cannot be read."""
    try:
        data = json.loads(content)
        inventory = dict(data["inventory"]) if "inventory" in data else {}
        listeners = _listeners(inventory.get("listeners", []))
        return Applied(
            vips=_vips(data["vips"]),
            interface=_text(data["interface"]),
            by=_text(data["by"]),
            at=_text(data["at"]),
            version=_text(data["version"]),
            files=dict(data["files"]),
            members=_addresses(data.get("members", [])),
            configuration=str(data.get("configuration", "")),
            inventory=inventory,
            config_ids={
                role: str(data.get(f"{role}_config_id", "")) for role in ("haproxy", "keepalived")
            },
            ports=tuple(listeners),
            listeners=listeners,
            metrics_port=_metrics_port(inventory.get("haproxy")),
            containers=dict(data.get("containers", {})),
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
        was = {_text(path): _text(digest) for path, digest in dict(change["was"]).items()}
        found.append(InventoryChange(_text(change["by"]), _text(change["at"]), was))
    return tuple(found)


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
