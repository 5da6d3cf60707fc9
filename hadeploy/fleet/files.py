"""Which inventory files a fleet is made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from hadeploy.errors import ExitCode, HadeployError

ENDINGS = (".yaml", ".yml")


def is_folder(name: str) -> bool:
    """Whether that is a folder; what cannot be looked at is none."""
    try:
        return Path(name).is_dir()
    except (OSError, ValueError):
        return False


def is_fleet(named: Sequence[str]) -> bool:
    """Whether several inventories are meant; a folder is a fleet also with one file in it.

    Args:
        named: what -i or HADEPLOY_INVENTORY said.
    """
    return len(named) > 1 or any(is_folder(name) for name in named)


def inventories_among(names: Iterable[str]) -> list[str]:
    """The inventories of a folder, by what it holds: pure.

    Args:
        names: of all files in it.

    Returns:
        Those that end as YAML does, sorted; without hidden ones, which editors leave behind.
    """
    return sorted(n for n in names if n.endswith(ENDINGS) and not n.startswith("."))


def inventory_files(named: Sequence[str]) -> list[str]:
    """The files that are meant, in the order in which they were named; none of them twice.

    Args:
        named: files and folders.

    Raises:
        HadeployError: a folder has none, or cannot be read.
    """
    files = [file for name in named for file in (_inside(name) if is_folder(name) else [name])]
    distinct: dict[str, str] = {}
    for file in files:
        distinct.setdefault(_identity(file), file)
    return list(distinct.values())


def _inside(folder: str) -> list[str]:
    try:
        held = [entry.name for entry in Path(folder).iterdir() if not entry.is_dir()]
    except OSError as error:
        raise _unusable(folder, error.strerror or str(error)) from error
    names = inventories_among(held)
    if not names:
        raise _unusable(folder, "there is no *.yaml or *.yml in this folder")
    return [str(Path(folder) / name) for name in names]


def _identity(file: str) -> str:
    try:
        return str(Path(file).resolve())
    except (OSError, ValueError, RuntimeError):
        return file


def _unusable(folder: str, why: str) -> HadeployError:
    return HadeployError(
        f"{folder}: {why}",
        operation="looking for inventories",
        hint="name a folder of inventories, or the files themselves, with -i",
        code=ExitCode.USAGE,
    )
