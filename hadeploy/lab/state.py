"""The files and settings of a lab, and its lock for one writer at a time."""

from __future__ import annotations

import fcntl
import ipaddress
import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hadeploy.errors import ExitCode, HadeployError
from hadeploy.lab.addressing import Addressing, node_names

_LOCK_TIMEOUT = 180.0


def state_root() -> Path:
    """The folder of all labs: $XDG_STATE_HOME/hadeploy, by default ~/.local/state/hadeploy.

    Raises:
        HadeployError: the path has characters that are invalid in overlay mounts or ssh configs.
    """
    return _checked(_base("XDG_STATE_HOME", ".local/state") / "hadeploy")


def cache_root() -> Path:
    """The folder of images: $XDG_CACHE_HOME/hadeploy/lab, by default ~/.cache/hadeploy/lab."""
    return _base("XDG_CACHE_HOME", ".cache") / "hadeploy" / "lab"


def _base(variable: str, fallback: str) -> Path:
    value = os.environ.get(variable, "")
    # According to the XDG specification, relative paths are ignored.
    return Path(value) if value.startswith("/") else Path.home() / fallback


def _checked(path: Path) -> Path:
    if not re.fullmatch(r"[A-Za-z0-9._/+@-]+", str(path)):
        raise HadeployError(
            "the path has a character other than letters, digits and ._/+@-",
            operation=f"using the state folder {path}",
            hint="set XDG_STATE_HOME to another folder",
            code=ExitCode.USAGE,
        )
    return path


@dataclass(frozen=True)
class StateFolder:
    """The folder of one lab."""

    folder: Path

    @property
    def definition(self) -> Path:
        """The settings of the lab; created first and removed last."""
        return self.folder / "lab.json"

    @property
    def inventory(self) -> Path:
        """The inventory for hadeploy."""
        return self.folder / "inventory.yaml"

    @property
    def key(self) -> Path:
        """The SSH key for every node."""
        return self.folder / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        """The nodes' SSH host keys."""
        return self.folder / "known_hosts"

    @property
    def ssh_config(self) -> Path:
        """The configuration for `ssh -F FILE n1`."""
        return self.folder / "ssh_config"

    def node(self, node: str) -> Path:
        """A node's folder."""
        return self.folder / "nodes" / node

    def load(self, name: str) -> Addressing | None:
        """The settings, or None if the lab does not exist or its definition is unreadable."""
        try:
            data = json.loads(self.definition.read_text())
            return Addressing(
                name, ipaddress.IPv4Network(data["subnet"]), node_names(int(data["nodes"]))
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def save(self, addressing: Addressing) -> None:
        """Write the settings."""
        self.folder.mkdir(parents=True, exist_ok=True)
        # Not accessible for others, because the disks of the nodes contain a copy of /etc/shadow.
        self.folder.chmod(0o700)
        data = {"subnet": str(addressing.subnet), "nodes": len(addressing.nodes)}
        write_atomically(self.definition, json.dumps(data) + "\n")


def write_atomically(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file atomically, by a rename."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(text)
    temporary.chmod(mode)
    temporary.replace(path)


@contextmanager
def locked(folder: Path, *, operation: str) -> Iterator[None]:
    """Hold the lock of a folder; the kernel releases it when this process ends.

    Args:
        folder: created if it is missing. The folder itself is locked, without a lock file.
        operation: for the error message.

    Raises:
        HadeployError: another process held it for 180 s.
    """
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    deadline = time.monotonic() + _LOCK_TIMEOUT
    try:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise HadeployError(
                        f"another hadeploy has held the lock on {folder} for {_LOCK_TIMEOUT:g} s",
                        operation=operation,
                        hint=f"find it with: fuser -v {folder}",
                    ) from None
                time.sleep(0.05)
        yield
    finally:
        os.close(handle)
