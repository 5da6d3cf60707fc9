"""The applied record of a node, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class InventoryChange:
    """A change of the inventory in the record.

    Attributes:
        by: the user who applied it.
        at: the time, ISO 8601.
        was: the changed fields, and a digest of the previous value of each.
    """

    by: str
    at: str
    was: Mapping[str, str]


@dataclass(frozen=True)
class Applied:
    """The record: what was applied to the node, by whom and when.

    Attributes:
        members: the addresses of all nodes of the cluster.
        files: path → SHA-256 of the files that the programs have loaded.
        configuration: the id of the cluster's desired state.
        inventory: the applied inventory; {} in a record of an older version.
        config_ids: the id of the configuration of each program, by role.
        ports: of the listeners.
        listeners: port → name of the listener.
        metrics_port: of haproxy's metrics; None if they are disabled.
        containers: name → hash of its specification.
        forgotten: addresses of nodes that were removed without being stopped (`--forget`).
        changes: of the inventory, the last one first.
        contents: digests of files and secrets to which the inventory refers, by field
            (rollout/contents.py); None in a record of an older version.
    """

    vips: tuple[str, ...]
    interface: str
    by: str
    at: str
    version: str
    files: dict[str, str]
    members: tuple[str, ...] = ()
    configuration: str = ""
    inventory: dict[str, Any] = field(default_factory=dict, repr=False)
    config_ids: dict[str, str] = field(default_factory=dict)
    ports: tuple[int, ...] = ()
    listeners: dict[int, str] = field(default_factory=dict)
    metrics_port: int | None = None
    containers: dict[str, str] = field(default_factory=dict)
    forgotten: tuple[str, ...] = ()
    changes: tuple[InventoryChange, ...] = ()
    contents: Mapping[str, str] | None = None
