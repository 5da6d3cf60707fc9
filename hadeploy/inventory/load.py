"""Finding and reading the inventory, with every mistake at its place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from hadeploy.errors import ExitCode, HadeployError
from hadeploy.inventory.cluster import Cluster
from hadeploy.inventory.document import Document, parse
from hadeploy.inventory.messages import sentences
from hadeploy.inventory.problems import InventoryError, KeyPath, Problem, dotted
from hadeploy.inventory.rules import advice, broken_rules
from hadeploy.inventory.source import Unreadable, check_text, read_text

DEFAULT_NAME = "inventory.yaml"
VARIABLE = "HADEPLOY_INVENTORY"


class Inventory(NamedTuple):
    """A usable inventory and what is worth saying about it all the same."""

    cluster: Cluster
    warnings: tuple[Problem, ...]
    document: Document
    name: str

    def problem(self, path: KeyPath, message: str) -> Problem:
        """What shows to be wrong only later, such as a secret that is not there, at its place.

        Args:
            path: the key path of the value.
            message: one sentence.
        """
        (problem,) = _at_places(self.document, self.name, [(path, message)])
        return problem


def find_inventory(option: str | None, environ: Mapping[str, str], cwd: Path) -> Path:
    """The inventory to use: `-i FILE`, else HADEPLOY_INVENTORY, else ./inventory.yaml.

    Args:
        option: what -i said, or None.
        environ: the environment.
        cwd: the current folder, which relative paths are relative to.

    Returns:
        The path of something that exists; whether it is an inventory, load_inventory will tell.

    Raises:
        HadeployError: there is none where it was looked for.
    """
    for given, source in ((option, "-i"), (environ.get(VARIABLE), VARIABLE)):
        if given:
            path = cwd / given
            if not _exists(path):
                raise HadeployError(
                    f"there is no inventory {given} (named by {source})",
                    hint="check the path, or name another file with -i FILE",
                    code=ExitCode.USAGE,
                )
            return path
    path = cwd / DEFAULT_NAME
    if not _exists(path):
        raise HadeployError(
            f"there is no {DEFAULT_NAME} in {cwd.absolute()}",
            hint=f"copy inventory.example.yaml to {DEFAULT_NAME} and edit it, "
            f"or name a file with -i FILE or {VARIABLE}",
            code=ExitCode.USAGE,
        )
    return path


def load_inventory(path: Path) -> Cluster:
    """Read and check an inventory.

    Args:
        path: the file.

    Returns:
        The cluster it describes.

    Raises:
        InventoryError: with everything that is wrong, each at its line and column.
    """
    return read_inventory(path).cluster


def read_inventory(path: Path) -> Inventory:
    """Like load_inventory, with the warnings.

    Args:
        path: the file.

    Returns:
        The cluster and what works but is not advisable.

    Raises:
        InventoryError: with everything that is wrong, each at its line and column.
    """
    name = _shown_path(path)
    try:
        text = read_text(path)
    except Unreadable as reason:
        raise InventoryError([Problem(name, *reason.spot, "", reason.message)]) from None
    return inventory_from_text(text, name)


def inventory_from_text(text: str, name: str = DEFAULT_NAME) -> Inventory:
    """Check an inventory that is not, or not yet, in a file.

    Args:
        text: YAML.
        name: what the errors call it.

    Returns:
        The cluster and what works but is not advisable.

    Raises:
        InventoryError: with everything that is wrong, each at its line and column.
    """
    try:
        document = parse(check_text(text))
    except Unreadable as reason:
        raise InventoryError([Problem(name, *reason.spot, "", reason.message)]) from None
    return _checked(document, name)


def _checked(document: Document, name: str) -> Inventory:
    problems = [Problem(name, *spot, dotted(p), said) for spot, p, said in document.problems]
    cluster: Cluster | None = None
    if not isinstance(document.root.data, dict):
        said = "is empty" if document.root.data is None else "is not a mapping of keys"
        said += "; an inventory needs at least vip and nodes"
        problems.append(Problem(name, *document.root.spot, "", said))
    else:
        try:
            cluster = Cluster.model_validate(document.root.data)
        except ValidationError as error:
            problems += _at_places(document, name, sentences(error))
    if problems or cluster is None:
        raise InventoryError(problems)
    if broken := broken_rules(cluster):
        raise InventoryError(_at_places(document, name, broken))
    warnings = tuple(sorted(_at_places(document, name, advice(cluster))))
    return Inventory(cluster, warnings, document, name)


def _at_places(document: Document, name: str, told: Iterable[tuple[KeyPath, str]]) -> list[Problem]:
    problems = []
    for full_path, said in told:
        path = full_path
        # `vip: ADDRESS` is a list of one to the model; nobody wrote that [0].
        while path and isinstance(path[-1], int) and not document.has(path):
            path = path[:-1]
        spot = document.spot(path, of_key=said.startswith("unknown key"))
        problems.append(Problem(name, *spot, dotted(path), said))
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
        # Too long, a NUL inside, or a folder that may not be entered: opening it tells which.
        return True
