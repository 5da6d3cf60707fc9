"""A node's disk: this machine's file systems, with the changes of the node in overlays.

This module prepares the folders. `node-init.sh` mounts them, in the mount namespace of the node.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
from pathlib import Path

from hadeploy.errors import HadeployError
from hadeploy.lab.identity import EMPTY_FOLDERS, HIDDEN, MOUNT_POINTS, OPS_UID, OPS_USER, NodeFile

_DISK_FILE_SYSTEMS = frozenset(
    ("ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "bcachefs", "zfs", "overlay", "squashfs")
)
# Not overlaid: a node has separate ones, or uses those of this machine unchanged.
_NOT_OVERLAID = (
    *("/proc", "/sys", "/dev", "/run", "/tmp", "/root", "/home"),  # noqa: S108
    *("/var/log", "/var/lib/docker", "/var/lib/containerd", "/mnt", "/media", "/boot", "/snap"),
)
_OPAQUE = "trusted.overlay.opaque"
_READY = "ready"


def parse_layers(mountinfo: str) -> list[tuple[str, str]]:
    """The file systems of this machine that a node overlays.

    Args:
        mountinfo: the text of /proc/self/mountinfo.

    Returns:
        Pairs of a mount point and the name of the folder for the changes; outer ones first.
    """
    found = {"/"}
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        mountpoint = left.split()[4]
        if right.split()[0] not in _DISK_FILE_SYSTEMS or not re.fullmatch(r"[\w./+-]+", mountpoint):
            continue
        if not any(f"{mountpoint}/".startswith(f"{top}/") for top in _NOT_OVERLAID):
            found.add(mountpoint)
    return [
        (mountpoint, "root-fs" if mountpoint == "/" else "fs" + mountpoint.replace("/", "-"))
        for mountpoint in sorted(found)
    ]


def layer_of(layers: list[tuple[str, str]], path: str) -> tuple[str, str]:
    """The folder name of the innermost layer that contains a path, and the path relative to it."""
    holding = [layer for layer in layers if f"{path}/".startswith(layer[0].rstrip("/") + "/")]
    mountpoint, name = max(holding, key=lambda layer: len(layer[0]))
    return name, path[len(mountpoint) :].lstrip("/")


class Disk:
    """The folder of one node's disk.

    Args:
        folder: the absolute path; it survives power cycles and is removed with the lab.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def ready(self) -> bool:
        """Whether `create` has finished."""
        return (self.folder / _READY).exists()

    def create(self, files: dict[str, NodeFile]) -> None:
        """Create a new disk, and remove the remains of a killed run.

        Args:
            files: the files of the node, by absolute path.

        Raises:
            HadeployError: the file system does not support overlays.
        """
        shutil.rmtree(self.folder, ignore_errors=True)
        self.write_layers()
        for name in ("docker", "containerd"):
            (self.folder / "var-lib" / name).mkdir(parents=True, mode=0o711)
        for path, mode in EMPTY_FOLDERS:
            folder = self._make_folder(path, mode=mode)
            self._make_opaque(folder)
        for path in MOUNT_POINTS:
            self._make_folder(path)
        home = self._make_folder(f"/home/{OPS_USER}", mode=0o750)
        os.chown(home, OPS_UID, OPS_UID)
        for path, file in files.items():
            self._write(path, file)
        for path in HIDDEN:
            if Path(path).exists():
                upper = self._upper(path)
                # A 0/0 character device hides a file in an overlay (whiteout).
                os.mknod(upper, stat.S_IFCHR, os.makedev(0, 0))
        (self.folder / _READY).touch()

    def write_layers(self) -> None:
        """Write the list of file systems to overlay; repeated at every boot."""
        layers = parse_layers(Path("/proc/self/mountinfo").read_text())
        (self.folder / "root").mkdir(parents=True, exist_ok=True)
        for _, name in layers:
            for part in ("upper", "work"):
                (self.folder / name / part).mkdir(parents=True, exist_ok=True)
        (self.folder / "layers").write_text("".join(f"{m} {name}\n" for m, name in layers))

    def _upper(self, path: str) -> Path:
        """The location of a node's path: in the upper folder of the innermost file system."""
        best = max(
            (line.split() for line in (self.folder / "layers").read_text().splitlines()),
            key=lambda layer: (
                len(layer[0]) if f"{path}/".startswith(layer[0].rstrip("/") + "/") else 0
            ),
        )
        return self.folder / best[1] / "upper" / path[len(best[0]) :].lstrip("/")

    def _make_folder(self, path: str, mode: int = 0o755) -> Path:
        """Create a folder and its parents, with the modes of this machine's parents."""
        for parent in reversed(Path(path).parents):
            upper = self._upper(str(parent))
            if not upper.is_dir():
                upper.mkdir()
                if parent.is_dir():
                    status = parent.stat()
                    os.chown(upper, status.st_uid, status.st_gid)
                    upper.chmod(stat.S_IMODE(status.st_mode))
        upper = self._upper(path)
        upper.mkdir(exist_ok=True)
        upper.chmod(mode)
        return upper

    def _make_opaque(self, folder: Path) -> None:
        try:
            os.setxattr(folder, _OPAQUE, b"y")
        except OSError as error:
            raise HadeployError(
                f"the file system does not support overlay attributes ({error.strerror})",
                operation=f"creating a node's disk in {self.folder}",
                hint="set XDG_STATE_HOME to a folder on ext4, xfs or btrfs",
            ) from error

    def _write(self, path: str, file: NodeFile) -> None:
        upper = self._upper(path)
        if not upper.parent.is_dir():
            self._make_folder(str(Path(path).parent), mode=0o700 if file.uid else 0o755)
            os.chown(upper.parent, file.uid, file.uid)
        upper.write_text(file.content)
        upper.chmod(file.mode)
        os.chown(upper, file.uid, file.uid)
