"""The desired state of a node, as data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from hadeploy.desired.roles import Role

LABEL_CLUSTER = "hadeploy.cluster"
LABEL_ROLE = "hadeploy.role"
LABEL_SPEC = "hadeploy.spec"


@dataclass(frozen=True)
class File:
    """A file on a node.

    Attributes:
        path: relative to the cluster's directory on the node.
        content: the whole content.
        mode: permissions; the owner is root.
        config_id: the id of the configuration that the running program shows, or "".
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
    """A container on a node: the inputs of `docker run`.

    Attributes:
        role: its program.
        name: the container's name.
        image: the image reference.
        entrypoint: the program, on the PATH of the image.
        arguments: its arguments.
        mounts: (host path, container path, "ro" or "rw"); the first is its configuration.
        tmpfs: container paths that are writable and empty at start.
        user: the user, or None for that of the image.
        capabilities: all others are dropped.
        nofile: the limit of open files, or None for the default of the engine.
        pids: the limit of processes and threads.
        memory: the limit of memory, in MiB.
        file_size: the limit of a written file, in MiB, or None for the default of the engine.
        stop_signal: the signal of `docker stop`.
        stop_timeout: seconds until `docker stop` kills the program.
        log_max_size: maximum size of a log file.
        log_max_file: maximum number of log files.
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
    """Facts of the node that the inventory does not contain; hadeploy never changes them.

    Attributes:
        interface: the interface with the address of the node.
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
        """The file with that path.

        Raises:
            KeyError: there is none.
        """
        return {f.path: f for f in self.files}[path]

    def config_id(self, role: Role) -> str:
        """The configuration id that the running program of that role must show."""
        return next(f.config_id for f in self.files if f.role == role and f.config_id)

    def container(self, role: Role) -> Container:
        """The container of that role."""
        return next(c for c in self.containers if c.role == role)


def configuration_id(desired: Mapping[str, DesiredNode]) -> str:
    """The id of the desired state of a whole cluster, the same in the record of every node.

    Args:
        desired: by node label.
    """
    content = {
        label: [
            [[file.path, file.sha256, file.mode] for file in node.files],
            [repr(container) for container in node.containers],
            node.addresses,
            node.members,
        ]
        for label, node in desired.items()
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
