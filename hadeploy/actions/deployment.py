"""A loaded inventory, and how to connect to its nodes."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hadeploy.actions.secrets import registry_login, sudo_secret, vrrp_secret
from hadeploy.actions.user_interface import UserInterface
from hadeploy.desired.folders import checked_folder
from hadeploy.inventory.cluster import Cluster, Node
from hadeploy.inventory.load import Inventory, find_inventory, read_inventory
from hadeploy.inventory.paths import beside
from hadeploy.plan.inputs import Inputs
from hadeploy.remote.node_routes import NodeRoutes

if TYPE_CHECKING:
    from hadeploy.remote.connect import Dialer


@dataclass(frozen=True)
class Deployment:
    """One cluster to work on.

    Attributes:
        inventory: the parsed file.
        folder: the directory of the inventory; paths in the inventory are relative to it.
        ui: receives events and answers questions.
        accept_new_host_keys: add unknown host keys to known_hosts; changed keys are always refused.
        ask_sudo_password: ask for the sudo password instead of resolving it.
    """

    inventory: Inventory
    folder: Path
    ui: UserInterface
    accept_new_host_keys: bool = False
    ask_sudo_password: bool = False

    @property
    def cluster(self) -> Cluster:
        """The model of the inventory."""
        return self.inventory.cluster

    def inputs(self) -> Inputs:
        """Find the templates and resolve the secrets.

        Raises:
            HadeployError: every error with its file and line.
        """
        override = self.cluster.templates.folder
        return Inputs(
            cluster=self.cluster,
            folder=self.folder,
            templates=checked_folder(beside(self.folder, override) if override else None),
            password=vrrp_secret(self.inventory, self.folder),
            login=functools.cache(functools.partial(registry_login, self.inventory, self.folder)),
        )

    def dialer(self, connecting: Sequence[Node] = ()) -> Dialer:
        """Prepare connections to the nodes; ask for the sudo password if requested.

        Args:
            connecting: nodes to connect to at once.

        Raises:
            HadeployError: no terminal to ask on, or a secret cannot be resolved.
        """
        ask = self.ui.secret
        password = sudo_secret(
            self.inventory, self.folder, ask=ask if self.ask_sudo_password else None
        )
        routes = NodeRoutes(self.cluster, self.folder, self.ui.warning)
        routes.begin(connecting)
        from hadeploy.remote.connect import Dialer

        return Dialer(routes, self.accept_new_host_keys, password, ask)


def load(
    inventory: str | None,
    ui: UserInterface,
    *,
    environ: Mapping[str, str] | None = None,
    accept_new_host_keys: bool = False,
    ask_sudo_password: bool = False,
) -> Deployment:
    """Read an inventory.

    Args:
        inventory: its path; None: $HADEPLOY_INVENTORY, or inventory.yaml in the current directory.
        ui: receives the warnings of the inventory.
        environ: environment variables (default: those of this process).
        accept_new_host_keys: add unknown host keys to known_hosts; changed keys are always refused.
        ask_sudo_password: ask for the sudo password instead of resolving it.

    Raises:
        HadeployError: every error with its file and line.
    """
    path = find_inventory(inventory, os.environ if environ is None else environ, Path.cwd())
    read = read_inventory(path)
    for warning in read.warnings:
        ui.warning(str(warning))
    folder = path.resolve().parent
    return Deployment(read, folder, ui, accept_new_host_keys, ask_sudo_password)
