"""The inventory files of a fleet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from hadeploy.errors import ExitCode, HadeployError

ENDINGS = (".yaml", ".yml")


def is_folder(name: str) -> bool:
    """Whether the path is a folder; False if that cannot be determined."""
    try:
        return Path(name).is_dir()
    except (OSError, ValueError):
        return False


def is_fleet(named: Sequence[str]) -> bool:
    """Whether the paths mean several inventories; a folder always does.

    Args:
        named: the values of -i or HADEPLOY_INVENTORY.
    """
    return len(named) > 1 or any(is_folder(name) for name in named)


def inventories_among(names: Iterable[str]) -> list[str]:
    """The YAML files among the names, sorted; without hidden files, which editors leave behind."""
    return sorted(n for n in names if n.endswith(ENDINGS) and not n.startswith("."))


def inventory_files(named: Sequence[str]) -> list[str]:
    """The inventories, in the order of the arguments and without duplicates.

    Args:
        named: files and folders.

    Raises:
        HadeployError: a folder contains no inventory or cannot be read.
    """
    files = [file for name in named for file in (_inside(name) if is_folder(name) else [name])]
    distinct: dict[str, str] = {}
    for file in files:
        distinct.setdefault(_identity(file), file)
    return list(distinct.values())


def _inside(folder: str) -> list[str]:
    try:
        entries = [entry.name for entry in Path(folder).iterdir() if not entry.is_dir()]
    except OSError as error:
        raise _unusable(folder, error.strerror or str(error)) from error
    names = inventories_among(entries)
    if not names:
        raise _unusable(folder, "this folder contains no *.yaml or *.yml file")
    return [str(Path(folder) / name) for name in names]


def _identity(file: str) -> str:
    try:
        return str(Path(file).resolve())
    except (OSError, ValueError, RuntimeError):
        return file


def _unusable(folder: str, why: str) -> HadeployError:
    return HadeployError(
        f"{folder}: {why}",
        operation="listing the inventories",
        hint="specify a folder with inventories, or inventory files, with -i",
        code=ExitCode.USAGE,
    )
