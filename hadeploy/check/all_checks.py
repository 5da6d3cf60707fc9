"""Every check, in the order of the output."""

from __future__ import annotations

from types import ModuleType

from hadeploy.check import (
    by_hand,
    certificates,
    conntrack,
    container_names,
    disk_space,
    docker,
    ephemeral_ports,
    firewall,
    former_nodes,
    host_services,
    images,
    network,
    open_files,
    other_clusters,
    our_folder,
    ports,
    ssh,
    sudo,
    system,
    tools,
    vip,
)
from hadeploy.check.entry import Check

MODULES: tuple[ModuleType, ...] = (
    ssh,
    sudo,
    tools,
    docker,
    disk_space,
    our_folder,
    open_files,
    network,
    vip,
    by_hand,
    other_clusters,
    container_names,
    ports,
    ephemeral_ports,
    host_services,
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
