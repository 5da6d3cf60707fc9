"""What a node should have, as values."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Role = Literal["haproxy", "keepalived"]

LABEL_CLUSTER = "hadeploy.cluster"
LABEL_ROLE = "hadeploy.role"
LABEL_SPEC = "hadeploy.spec"


@dataclass(frozen=True)
class File:
    """A file on a node.

    Attributes:
        path: relative to the cluster's folder on the node.
        content: the whole of it.
        mode: permissions; the owner is root.
        config_id: what the program that reads it names the file by, or "".
        secret: whether the content must not be shown.
        role: the container that reads it.
    """

    path: str
    content: str = field(repr=False)
    mode: int
    role: Role
    config_id: str = ""
    secret: bool = False

    @property
    def sha256(self) -> str:
        """The content's SHA-256, in hex."""
        return hashlib.sha256(self.content.encode()).hexdigest()


@dataclass(frozen=True)
class Container:
    """A container on a node; everything that makes `docker run` what it is.

    Attributes:
        role: what it is for.
        name: the container's name.
        image: the reference it is made from.
        entrypoint: the program, found on the image's PATH.
        arguments: its arguments.
        mounts: (host path, container path, "ro" or "rw"); the first is its configuration.
        tmpfs: container paths that are writable and empty at start.
        user: whom it runs as, or None for the image's own user.
        capabilities: all others are dropped.
        nofile: the limit of open files, or None for the engine's own.
        pids: the limit of processes and threads.
        memory: the limit of memory, in MiB.
        file_size: the limit of what it may write to one file, in MiB, or None for the engine's own.
        stop_signal: what `docker stop` sends.
        stop_timeout: seconds until `docker stop` kills.
        log_max_size: of one log file.
        log_max_file: how many log files are kept.
        cluster: the cluster's name, for the label.
    """

    role: Role
    name: str
    image: str
    entrypoint: str
    arguments: tuple[str, ...]
    mounts: tuple[tuple[str, str, Literal["ro", "rw"]], ...]
    tmpfs: tuple[str, ...]
    user: str | None
    capabilities: tuple[str, ...]
    nofile: int | None
    pids: int
    memory: int
    file_size: int | None
    stop_signal: str
    stop_timeout: int
    log_max_size: str
    log_max_file: int
    cluster: str


@dataclass(frozen=True)
class NodeFacts:
    """What the inventory leaves open and the node decides; hadeploy never changes these.

    Attributes:
        interface: the one that carries the node's address.
    """

    interface: str


@dataclass(frozen=True)
class DesiredNode:
    """The desired state of one node."""

    node: str
    root: str
    facts: NodeFacts
    files: tuple[File, ...]
    containers: tuple[Container, ...]
    vips: tuple[str, ...]
    priority: int
    members: tuple[str, ...]
    forgotten: tuple[str, ...] = ()

    @property
    def addresses(self) -> tuple[str, ...]:
        """The VIPs without their prefixes."""
        return tuple(vip.partition("/")[0] for vip in self.vips)

    def file(self, path: str) -> File:
        """The file of that path.

        Raises:
            KeyError: there is none.
        """
        return {f.path: f for f in self.files}[path]

    def config_id(self, role: Role) -> str:
        """What the running program of that role names its configuration by."""
        return next(f.config_id for f in self.files if f.role == role and f.config_id)

    def container(self, role: Role) -> Container:
        """The container of that role."""
        return next(c for c in self.containers if c.role == role)


def configuration_id(desired: Mapping[str, DesiredNode]) -> str:
    """The name of a whole cluster's desired state; the same in the record of every node.

    Args:
        desired: by node label.
    """
    told = {
        label: [
            [[file.path, file.sha256, file.mode] for file in node.files],
            [repr(container) for container in node.containers],
            node.addresses,
            node.members,
        ]
        for label, node in desired.items()
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]
