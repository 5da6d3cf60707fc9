"""Write an image as a `docker save` archive, without a Docker engine."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

# Constant, so that the same input always gives the same image id.
_CREATED = "2025-01-01T00:00:00Z"
STAND_IN_LABEL = "hadeploy.lab.stand-in"


@dataclass(frozen=True)
class Entry:
    """A file, folder or link of an image; use the class methods to create one."""

    kind: bytes
    mode: int
    owner: int = 0
    content: bytes = b""
    source: Path | None = None
    target: str = ""
    path: str = ""

    @classmethod
    def folder(cls, mode: int, owner: int = 0) -> Entry:
        """A folder."""
        return cls(tarfile.DIRTYPE, mode, owner)

    @classmethod
    def link(cls, target: str) -> Entry:
        """A symbolic link."""
        return cls(tarfile.SYMTYPE, 0o777, target=target)

    @classmethod
    def file(cls, content: bytes, mode: int) -> Entry:
        """A file with this content."""
        return cls(tarfile.REGTYPE, mode, content=content)

    @classmethod
    def copy(cls, source: Path, mode: int = 0o755) -> Entry:
        """A file with the content of another file."""
        return cls(tarfile.REGTYPE, mode, source=source)

    def at(self, path: str) -> Entry:
        """This entry at an absolute path."""
        return replace(self, path=path)


def layer(entries: Iterable[Entry]) -> bytes:
    """A layer: a tar of the entries and their parent folders, sorted by path."""
    by_path = {entry.path: entry for entry in entries}
    for path in list(by_path):
        for parent in PurePosixPath(path).parents:
            if str(parent) != "/":
                by_path.setdefault(str(parent), Entry.folder(0o755).at(str(parent)))
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(by_path):
            entry = by_path[path]
            info = tarfile.TarInfo(path.lstrip("/"))
            info.type, info.mode, info.linkname = entry.kind, entry.mode, entry.target
            info.uid = info.gid = entry.owner
            content = entry.source.read_bytes() if entry.source else entry.content
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content) if entry.kind == tarfile.REGTYPE else None)
    return out.getvalue()


def write_archive(
    target: Path,
    *,
    reference: str,
    layer_tar: bytes,
    config: dict[str, object],
    architecture: str,
) -> None:
    """Write the archive of a one-layer image.

    Args:
        target: the file to write.
        reference: the image's name and tag.
        layer_tar: from `layer`.
        config: the image configuration's inner part: Entrypoint, Cmd, User, …
        architecture: as Docker calls it, e.g. amd64.
    """
    digest = hashlib.sha256(layer_tar).hexdigest()
    image = {
        "architecture": architecture,
        "os": "linux",
        "created": _CREATED,
        "config": {**config, "Labels": {STAND_IN_LABEL: reference}},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
        "history": [{"created": _CREATED, "created_by": "hadeploy lab"}],
    }
    config_bytes = json.dumps(image, sort_keys=True).encode()
    config_name = f"{hashlib.sha256(config_bytes).hexdigest()}.json"
    layer_name = f"{digest}/layer.tar"
    manifest = [{"Config": config_name, "RepoTags": [reference], "Layers": [layer_name]}]
    with tarfile.open(target, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in (
            (config_name, config_bytes),
            (layer_name, layer_tar),
            ("manifest.json", json.dumps(manifest).encode()),
        ):
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), 0o644
            tar.addfile(info, io.BytesIO(content))
