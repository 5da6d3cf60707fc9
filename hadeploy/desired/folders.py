"""The directories of templates."""

from __future__ import annotations

from pathlib import Path

from hadeploy.errors import ExitCode, HadeployError


def shipped_templates() -> Path:
    """hadeploy's own templates: inside the wheel, or at the top of a checkout."""
    package = Path(__file__).resolve().parent.parent
    shipped = package / "_templates"
    return shipped if shipped.is_dir() else package.parent / "templates"


def checked_folder(override: Path | None) -> Path | None:
    """The user's directory of templates, if the inventory has one.

    Args:
        override: the value of `templates.folder`.

    Raises:
        HadeployError: the directory does not exist.
    """
    if override is not None and not override.is_dir():
        raise HadeployError(
            f"{override}: no such folder", operation="reading templates.folder", code=ExitCode.USAGE
        )
    return override
