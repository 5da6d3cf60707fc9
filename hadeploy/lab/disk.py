"""A node's disk: this machine's file systems, with the node's own changes kept in overlays.

Only `node-init.sh` mounts anything, in the node's own mount namespace; here folders are prepared.
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
# A node has its own of these, or this machine's as it is; file systems below them are not its own.
_NOT_OVERLAID = (
    *("/proc", "/sys", "/dev", "/run", "/tmp", "/root", "/home"),  # noqa: S108
    *("/var/log", "/var/lib/docker", "/var/lib/containerd", "/mnt", "/media", "/boot", "/snap"),
)
_OPAQUE = "trusted.overlay.opaque"
_READY = "ready"


def parse_layers(mountinfo: str) -> list[tuple[str, str]]:
    """Which file systems of this machine a node sees through an overlay.

    Args:
        mountinfo: the text of /proc/self/mountinfo.

    Returns:
        Pairs of a mount point and a folder name for the node's changes; outer ones first.
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
    """The folder name of the innermost layer that holds a path, and the path relative to it."""
    holding = [layer for layer in layers if f"{path}/".startswith(layer[0].rstrip("/") + "/")]
    mountpoint, name = max(holding, key=lambda layer: len(layer[0]))
    return name, path[len(mountpoint) :].lstrip("/")


class Disk:
    """The folder that holds one node's disk.

    Args:
        folder: the absolute path; survives power cycles, goes with the lab.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def ready(self) -> bool:
        """Whether `create` came to its end."""
        return (self.folder / _READY).exists()

    def create(self, files: dict[str, NodeFile]) -> None:
        """Make a new disk; what a killed run left of one is thrown away.

        Args:
            files: what the node has of its own, by absolute path.

        Raises:
            HadeployError: the file system cannot carry an overlay.
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
                # A 0/0 character device is how an overlay says "not here".
                os.mknod(upper, stat.S_IFCHR, os.makedev(0, 0))
        (self.folder / _READY).touch()

    def write_layers(self) -> None:
        """Note which file systems to overlay, as this machine has them now; done at every boot."""
        layers = parse_layers(Path("/proc/self/mountinfo").read_text())
        (self.folder / "root").mkdir(parents=True, exist_ok=True)
        for _, name in layers:
            for part in ("upper", "work"):
                (self.folder / name / part).mkdir(parents=True, exist_ok=True)
        (self.folder / "layers").write_text("".join(f"{m} {name}\n" for m, name in layers))

    def _upper(self, path: str) -> Path:
        """Where a path of the node is kept: in the upper folder of the nearest file system."""
        best = max(
            (line.split() for line in (self.folder / "layers").read_text().splitlines()),
            key=lambda layer: (
                len(layer[0]) if f"{path}/".startswith(layer[0].rstrip("/") + "/") else 0
            ),
        )
        return self.folder / best[1] / "upper" / path[len(best[0]) :].lstrip("/")

    def _make_folder(self, path: str, mode: int = 0o755) -> Path:
        """Make a folder and those above it, each with the mode that this machine's own has."""
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
                f"its file system does not take overlay attributes ({error.strerror})",
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
