"""Where a lab's files are, what it was asked to be, and the lock that lets one writer in."""

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
        HadeployError: the path has characters that overlay mounts and ssh configs cannot take.
    """
    return _checked(_base("XDG_STATE_HOME", ".local/state") / "hadeploy")


def cache_root() -> Path:
    """The folder of made images: $XDG_CACHE_HOME/hadeploy/lab, by default ~/.cache/hadeploy/lab."""
    return _base("XDG_CACHE_HOME", ".cache") / "hadeploy" / "lab"


def _base(variable: str, fallback: str) -> Path:
    value = os.environ.get(variable, "")
    # The XDG specification says that a relative path is to be ignored.
    return Path(value) if value.startswith("/") else Path.home() / fallback


def _checked(path: Path) -> Path:
    if not re.fullmatch(r"[A-Za-z0-9._/+@-]+", str(path)):
        raise HadeployError(
            "its path has a character other than letters, digits and ._/+@-",
            operation=f"using the state folder {path}",
            hint="set XDG_STATE_HOME to another folder",
            code=ExitCode.USAGE,
        )
    return path


@dataclass(frozen=True)
class StateFolder:
    """One lab's folder."""

    folder: Path

    @property
    def definition(self) -> Path:
        """What the lab was asked to be; the first file written and the last one to go."""
        return self.folder / "lab.json"

    @property
    def inventory(self) -> Path:
        """The inventory for hadeploy."""
        return self.folder / "inventory.yaml"

    @property
    def key(self) -> Path:
        """The SSH key that opens every node."""
        return self.folder / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        """The nodes' SSH host keys."""
        return self.folder / "known_hosts"

    @property
    def ssh_config(self) -> Path:
        """For `ssh -F FILE n1`."""
        return self.folder / "ssh_config"

    def node(self, node: str) -> Path:
        """A node's folder."""
        return self.folder / "nodes" / node

    def load(self, name: str) -> Addressing | None:
        """What was asked for, or None when there is no such lab or its note is unreadable."""
        try:
            data = json.loads(self.definition.read_text())
            return Addressing(
                name, ipaddress.IPv4Network(data["subnet"]), node_names(int(data["nodes"]))
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def save(self, addressing: Addressing) -> None:
        """Note what is asked for."""
        self.folder.mkdir(parents=True, exist_ok=True)
        # Traversable for others would be enough, but the node disks hold a copy of /etc/shadow.
        self.folder.chmod(0o700)
        data = {"subnet": str(addressing.subnet), "nodes": len(addressing.nodes)}
        write_atomically(self.definition, json.dumps(data) + "\n")


def write_atomically(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file so that it is either there in full or not at all."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(text)
    temporary.chmod(mode)
    temporary.replace(path)


@contextmanager
def locked(folder: Path, *, operation: str) -> Iterator[None]:
    """Hold a folder's lock; the kernel lets it go when we end, however we end.

    Args:
        folder: created if it is not there. The folder itself is locked: no lock file is left.
        operation: for the error message.

    Raises:
        HadeployError: somebody else held it for 180 s.
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
