"""What a `docker save` tar on this machine holds."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hadeploy.inventory.references import full

MOST_JSON_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class Archive:
    """An image archive.

    Attributes:
        path: where it is.
        missing: whether there is no such file.
        problem: why it cannot be read; "" if it can.
        size: bytes, unpacked.
        images: reference as `docker save` wrote it → architecture, "" where it is not told.
    """

    path: Path
    missing: bool = False
    problem: str = ""
    size: int = 0
    images: Mapping[str, str] = field(default_factory=dict)

    def architecture(self, reference: str) -> str | None:
        """Of the image of that name; None if the archive does not hold it."""
        return next((a for r, a in self.images.items() if full(r) == full(reference)), None)


def read_archive(path: Path) -> Archive:
    """Read an archive's table of contents; its layers are skipped.

    Args:
        path: of a tar, compressed or not.
    """
    if not path.is_file():
        return Archive(path, missing=True)
    try:
        with tarfile.open(path, "r:*") as tar:
            manifest = _json(tar, "manifest.json")
            images = {
                str(tag): str(_json(tar, part["Config"]).get("architecture", ""))
                for part in manifest
                for tag in part.get("RepoTags") or []
            }
            size = sum(member.size for member in tar.getmembers())
    except OSError as error:
        return Archive(path, problem=error.strerror or str(error))
    except (tarfile.TarError, EOFError, KeyError, TypeError, ValueError, AttributeError):
        return Archive(path, problem="it is not what `docker save` writes")
    return Archive(path, size=size, images=images)


def _json(tar: tarfile.TarFile, name: str) -> Any:
    member = tar.extractfile(name)
    if member is None:
        raise KeyError(name)
    return json.loads(member.read(MOST_JSON_BYTES))
