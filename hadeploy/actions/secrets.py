"""The secrets of a run: references in the inventory, or input at a terminal."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr

from hadeploy.errors import ExitCode, HadeployError
from hadeploy.inventory.load import Inventory
from hadeploy.inventory.problems import InventoryError
from hadeploy.inventory.rules.images import login_registries
from hadeploy.inventory.secrets import resolve, vrrp_password
from hadeploy.plan.inputs import Login


def vrrp_secret(inventory: Inventory, folder: Path) -> SecretStr | None:
    """The VRRP password, or None if the inventory has none.

    Args:
        folder: the directory of the inventory.

    Raises:
        InventoryError: the reference cannot be resolved, or VRRP does not allow the password.
    """
    reference = inventory.cluster.vrrp.password
    if reference is None:
        return None
    with _at(inventory, "vrrp", "password"):
        return vrrp_password(resolve(reference, environ=os.environ, folder=folder), reference)


def registry_login(inventory: Inventory, folder: Path) -> Login | None:
    """The login for the registry of the images, or None if the inventory has none.

    Args:
        folder: the directory of the inventory.

    Raises:
        InventoryError: the reference cannot be resolved.
    """
    images = inventory.cluster.images
    user, reference = images.registry.user, images.registry.password
    if user is None or reference is None:
        return None
    (registry,) = login_registries(images)
    with _at(inventory, "images", "registry", "password"):
        return Login(registry, user, resolve(reference, environ=os.environ, folder=folder))


def sudo_secret(
    inventory: Inventory, folder: Path, *, ask: Callable[[str], SecretStr | None] | None = None
) -> SecretStr | None:
    """The sudo password, or None if the inventory has none.

    Args:
        folder: the directory of the inventory.
        ask: prompts for the password; None resolves the reference instead.

    Raises:
        HadeployError: no terminal to ask on.
        InventoryError: the reference cannot be resolved.
    """
    reference = inventory.cluster.ssh.sudo_password
    if ask is None:
        if reference is None:
            return None
        with _at(inventory, "ssh", "sudo_password"):
            return resolve(reference, environ=os.environ, folder=folder)
    given = ask("sudo password on the nodes: ")
    if given is None:
        raise HadeployError(
            "there is no terminal to ask on",
            operation="asking for the sudo password",
            hint="set ssh.sudo_password to env:NAME, file:PATH or cmd:COMMAND",
            code=ExitCode.USAGE,
        )
    return given


@contextmanager
def _at(inventory: Inventory, *path: str) -> Iterator[None]:
    """Turn an error of a reference into an error at its line of the inventory."""
    try:
        yield
    except HadeployError as error:
        raise InventoryError([inventory.problem(path, error.message)], error.hint) from None
