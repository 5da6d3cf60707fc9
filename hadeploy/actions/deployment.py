"""An inventory that was read, and how to connect to its nodes."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hadeploy.actions.operator import Operator
from hadeploy.actions.secrets import registry_login, sudo_secret, vrrp_secret
from hadeploy.desired.folders import checked_folder
from hadeploy.inventory.load import Inventory, find_inventory, read_inventory
from hadeploy.inventory.model import Cluster
from hadeploy.inventory.paths import beside
from hadeploy.plan.inputs import Inputs
from hadeploy.remote.node_routes import NodeRoutes

if TYPE_CHECKING:
    from hadeploy.remote.connect import Dialer


@dataclass(frozen=True)
class Deployment:
    """One cluster to work on.

    Attributes:
        inventory: as it was read.
        folder: where the inventory is; paths in it are relative to that.
        operator: told what happens, and asked.
        accept_new_host_keys: whether host keys that known_hosts does not have are added to it.
        ask_sudo_password: whether the operator is asked for sudo's password.
    """

    inventory: Inventory
    folder: Path
    operator: Operator
    accept_new_host_keys: bool = False
    ask_sudo_password: bool = False

    @property
    def cluster(self) -> Cluster:
        """What the inventory describes."""
        return self.inventory.cluster

    def inputs(self) -> Inputs:
        """Find the templates and resolve the secrets.

        Raises:
            HadeployError: with every mistake at its place; nothing was touched.
        """
        override = self.cluster.templates.folder
        return Inputs(
            cluster=self.cluster,
            folder=self.folder,
            templates=checked_folder(beside(self.folder, override) if override else None),
            password=vrrp_secret(self.inventory, self.folder),
            login=functools.cache(functools.partial(registry_login, self.inventory, self.folder)),
        )

    def dialer(self) -> Dialer:
        """How to connect to the nodes; asks for the sudo password, if that is wanted.

        Raises:
            HadeployError: there is nobody to ask, or a reference leads nowhere.
        """
        ask = self.operator.secret
        password = sudo_secret(
            self.inventory, self.folder, ask=ask if self.ask_sudo_password else None
        )
        routes = NodeRoutes(self.cluster, self.folder, self.operator.warning)
        routes.begin()
        from hadeploy.remote.connect import Dialer

        return Dialer(routes, self.accept_new_host_keys, password, ask)


def load(
    inventory: str | None,
    operator: Operator,
    *,
    environ: Mapping[str, str] | None = None,
    accept_new_host_keys: bool = False,
    ask_sudo_password: bool = False,
) -> Deployment:
    """Read an inventory.

    Args:
        inventory: its path; None: $HADEPLOY_INVENTORY, or inventory.yaml in this folder.
        operator: told of what the inventory had better not have.
        environ: default: this process's.
        accept_new_host_keys: whether host keys that known_hosts does not have are added to it.
        ask_sudo_password: whether the operator is asked for sudo's password.

    Raises:
        HadeployError: with every mistake at its place; nothing was touched.
    """
    path = find_inventory(inventory, os.environ if environ is None else environ, Path.cwd())
    read = read_inventory(path)
    for warning in read.warnings:
        operator.warning(str(warning))
    folder = path.resolve().parent
    return Deployment(read, folder, operator, accept_new_host_keys, ask_sudo_password)
