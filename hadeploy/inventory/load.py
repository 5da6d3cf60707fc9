"""Find and read the inventory, and report all errors with their positions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from hadeploy.errors import ExitCode, HadeployError
from hadeploy.inventory.cluster import Cluster
from hadeploy.inventory.document import Document, parse
from hadeploy.inventory.messages import error_messages
from hadeploy.inventory.problems import InventoryError, KeyPath, Problem, dotted
from hadeploy.inventory.rules import advice, broken_rules
from hadeploy.inventory.source import Unreadable, check_text, read_text

DEFAULT_NAME = "inventory.yaml"
VARIABLE = "HADEPLOY_INVENTORY"


class Inventory(NamedTuple):
    """A valid inventory and its warnings."""

    cluster: Cluster
    warnings: tuple[Problem, ...]
    document: Document
    name: str

    def problem(self, path: KeyPath, message: str) -> Problem:
        """An error that is found later, such as a missing secret, with its position.

        Args:
            path: the key path of the value.
            message: one sentence.
        """
        (problem,) = _located(self.document, self.name, [(path, message)])
        return problem


def find_inventory(option: str | None, environ: Mapping[str, str], cwd: Path) -> Path:
    """The path of the inventory: `-i FILE`, then HADEPLOY_INVENTORY, then ./inventory.yaml.

    Args:
        option: the value of -i, or None.
        environ: the environment.
        cwd: the current folder.

    Raises:
        HadeployError: the path does not exist.
    """
    for given, source in ((option, "-i"), (environ.get(VARIABLE), VARIABLE)):
        if given:
            path = cwd / given
            if not _exists(path):
                raise HadeployError(
                    f"inventory {given} not found (from {source})",
                    hint="check the path, or specify another file with -i FILE",
                    code=ExitCode.USAGE,
                )
            return path
    path = cwd / DEFAULT_NAME
    if not _exists(path):
        raise HadeployError(
            f"{DEFAULT_NAME} not found in {cwd.absolute()}",
            hint=f"copy inventory.example.yaml to {DEFAULT_NAME} and edit it, "
            f"or specify a file with -i FILE or {VARIABLE}",
            code=ExitCode.USAGE,
        )
    return path


def load_inventory(path: Path) -> Cluster:
    """Read and validate an inventory.

    Raises:
        InventoryError: with all errors and their positions.
    """
    return read_inventory(path).cluster


def read_inventory(path: Path) -> Inventory:
    """Read and validate an inventory, and keep its warnings.

    Raises:
        InventoryError: with all errors and their positions.
    """
    name = _shown_path(path)
    try:
        text = read_text(path)
    except Unreadable as reason:
        raise InventoryError([Problem(name, *reason.position, "", reason.message)]) from None
    return inventory_from_text(text, name)


def inventory_from_text(text: str, name: str = DEFAULT_NAME) -> Inventory:
    """Validate an inventory that is not in a file.

    Args:
        text: YAML.
        name: its name in error messages.

    Raises:
        InventoryError: with all errors and their positions.
    """
    try:
        document = parse(check_text(text))
    except Unreadable as reason:
        raise InventoryError([Problem(name, *reason.position, "", reason.message)]) from None
    return _checked(document, name)


def _checked(document: Document, name: str) -> Inventory:
    problems = [
        Problem(name, *position, dotted(p), message) for position, p, message in document.problems
    ]
    cluster: Cluster | None = None
    if not isinstance(document.root.data, dict):
        message = "is empty" if document.root.data is None else "is not a mapping of keys"
        message += "; an inventory needs at least vip and nodes"
        problems.append(Problem(name, *document.root.position, "", message))
    else:
        try:
            cluster = Cluster.model_validate(document.root.data)
        except ValidationError as error:
            problems += _located(document, name, error_messages(error))
    if problems or cluster is None:
        raise InventoryError(problems)
    if broken := broken_rules(cluster):
        raise InventoryError(_located(document, name, broken))
    warnings = tuple(sorted(_located(document, name, advice(cluster))))
    return Inventory(cluster, warnings, document, name)


def _located(document: Document, name: str, found: Iterable[tuple[KeyPath, str]]) -> list[Problem]:
    problems = []
    for full_path, message in found:
        path = full_path
        # `vip: ADDRESS` is a list of one element in the model; the file contains no such list.
        while path and isinstance(path[-1], int) and not document.has(path):
            path = path[:-1]
        position = document.position(path, of_key=message.startswith("unknown key"))
        problems.append(Problem(name, *position, dotted(path), message))
    return problems


def _shown_path(path: Path) -> str:
    try:
        text = str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        text = str(path)
    return text if text.isprintable() else ascii(text)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        # Too long, with a NUL, or in a folder without access. Opening it raises a precise error.
        return True
