"""From applied.json to an applied record. Pure."""

from __future__ import annotations

import json

from hadeploy.observe.model import Applied


def parse_record(content: bytes) -> Applied | None:
    """An applied record; None if it cannot be read."""
    try:
        data = json.loads(content)
        inventory = dict(data["inventory"]) if "inventory" in data else {}
        return Applied(
            vips=tuple(data["vips"]),
            interface=data["interface"],
            by=data["by"],
            at=data["at"],
            version=data["version"],
            files=dict(data["files"]),
            members=tuple(data.get("members", [])),
            configuration=str(data.get("configuration", "")),
            inventory=inventory,
            config_ids={
                role: str(data.get(f"{role}_config_id", "")) for role in ("haproxy", "keepalived")
            },
            ports=tuple(int(listener["port"]) for listener in inventory.get("listeners", [])),
            containers=dict(data.get("containers", {})),
            forgotten=tuple(map(str, data.get("forgotten", []))),
        )
    except (ValueError, KeyError, TypeError):
        return None
