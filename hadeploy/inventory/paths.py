"""Paths that an inventory names."""

from __future__ import annotations

import os
from pathlib import Path


def beside(folder: Path, text: str) -> Path:
    """Where a path of the inventory is: ~ is the user's home, relative ones begin at its folder.

    Args:
        folder: the inventory's.
        text: as it stands in the inventory; `~nobody` stays as it is, where Path would raise.
    """
    return folder / os.path.expanduser(text)  # noqa: PTH111
