"""The contents of an image archive (`docker save`) on this machine."""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hadeploy.inventory.references import full

MAX_JSON_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class Archive:
    """An image archive.

    Attributes:
        path: the file.
        missing: whether the file does not exist.
        problem: why it cannot be read, or "".
        size: bytes, unpacked.
        images: reference as in `docker save` → architecture, "" if unknown.
        ids: the same references → image id, in hex.
    """

    path: Path
    missing: bool = False
    problem: str = ""
    size: int = 0
    images: Mapping[str, str] = field(default_factory=dict)
    ids: Mapping[str, str] = field(default_factory=dict)

    def architecture(self, reference: str) -> str | None:
        """The architecture of an image; None if the archive does not contain it."""
        return _of(self.images, reference)

    def id_of(self, reference: str) -> str | None:
        """The id of an image; None if the archive does not contain it."""
        return _of(self.ids, reference)


def read_archive(path: Path) -> Archive:
    """Read the table of contents of an archive, compressed or not, without its layers."""
    if not path.is_file():
        return Archive(path, missing=True)
    try:
        with tarfile.open(path, "r:*") as tar:
            manifest = json.loads(_bytes(tar, "manifest.json"))
            images, ids = {}, {}
            for part in manifest:
                config = _bytes(tar, part["Config"])
                for tag in part.get("RepoTags") or []:
                    images[str(tag)] = str(json.loads(config).get("architecture", ""))
                    # The image id of engines (OCI image specification, "ImageID").
                    ids[str(tag)] = hashlib.sha256(config).hexdigest()
            size = sum(member.size for member in tar.getmembers())
    except OSError as error:
        return Archive(path, problem=error.strerror or str(error))
    except (tarfile.TarError, EOFError, KeyError, TypeError, ValueError, AttributeError):
        return Archive(path, problem="it is not an archive of `docker save`")
    return Archive(path, size=size, images=images, ids=ids)


def _bytes(tar: tarfile.TarFile, name: str) -> bytes:
    member = tar.extractfile(name)
    if member is None:
        raise KeyError(name)
    return member.read(MAX_JSON_BYTES)


def _of(values: Mapping[str, str], reference: str) -> str | None:
    return next((value for r, value in values.items() if full(r) == full(reference)), None)
