"""Paths in an inventory."""

from __future__ import annotations

import os
from pathlib import Path


def beside(folder: Path, text: str) -> Path:
    """Resolve a path: ~ is the user's home, relative paths begin at the folder of the inventory.

    Args:
        folder: of the inventory.
        text: the path in the inventory. `~NAME` of an unknown user is kept; pathlib would raise.
    """
    return folder / os.path.expanduser(text)  # noqa: PTH111
