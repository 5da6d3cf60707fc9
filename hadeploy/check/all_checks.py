"""Every check, in the order of the output."""

from __future__ import annotations

from types import ModuleType

from hadeploy.check import (
    by_hand,
    certificates,
    connection,
    conntrack,
    firewall,
    former_nodes,
    images,
    machine,
    network,
    open_files,
    other_clusters,
    our_folder,
    places,
    system,
    vip,
)
from hadeploy.check.entry import Check

MODULES: tuple[ModuleType, ...] = (
    connection,
    machine,
    our_folder,
    open_files,
    network,
    vip,
    by_hand,
    other_clusters,
    places,
    images,
    firewall,
    conntrack,
    system,
    former_nodes,
    certificates,
)


def _checks_in(module: ModuleType) -> list[Check]:
    """The checks of a module, in its order. No module imports checks from another one."""
    return [value for value in vars(module).values() if isinstance(value, Check)]


CHECKS = tuple(check for module in MODULES for check in _checks_in(module))
IDS = tuple(check.id for check in CHECKS)
