"""Where templates are."""

from __future__ import annotations

from pathlib import Path

from hadeploy.errors import ExitCode, HadeployError


def shipped_templates() -> Path:
    """The folder of our own templates: inside the wheel, or at the top of a checkout."""
    package = Path(__file__).resolve().parent.parent
    shipped = package / "_templates"
    return shipped if shipped.is_dir() else package.parent / "templates"


def checked_folder(override: Path | None) -> Path | None:
    """The user's own folder, if there is one.

    Args:
        override: what `templates.folder` names.

    Raises:
        HadeployError: it is not there.
    """
    if override is not None and not override.is_dir():
        raise HadeployError(
            f"{override}: no such folder", operation="reading templates.folder", code=ExitCode.USAGE
        )
    return override
