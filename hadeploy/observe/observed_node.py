"""The observed state of a node."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from hadeploy.desired.roles import Role
from hadeploy.observe.applied import Applied
from hadeploy.observe.container import ObservedContainer
from hadeploy.observe.host import Host
from hadeploy.observe.segment import Segment
from hadeploy.observe.vrrp import RunningInstance

if TYPE_CHECKING:
    from hadeploy.answers.answer import Answer
    from hadeploy.observe.autostart_files import AutostartFile
    from hadeploy.observe.other_clusters import OtherCluster
    from hadeploy.observe.stopped_foreign import StoppedForeign


@dataclass(frozen=True)
class ObservedFile:
    """A file in the cluster's folder; the path is relative to it."""

    path: str
    mode: int
    owner: str
    content: bytes = field(repr=False)

    @property
    def sha256(self) -> str:
        """The SHA-256 of the content, in hex."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True)
class Address:
    """One address on one interface.

    Attributes:
        lifetime: seconds until the kernel removes it; None for never.
    """

    interface: str
    address: str
    prefix: int
    lifetime: int | None = field(default=None, compare=False)

    @property
    def pinned(self) -> bool:
        """Whether a run has pinned it temporarily (lib/addresses.sh, `pin_vip`)."""
        return self.interface == "lo" and self.lifetime is not None


@dataclass(frozen=True, order=True)
class Owner:
    """A process that owns a socket; container is "" for one of the node itself."""

    name: str
    pid: int
    container: str = ""


@dataclass(frozen=True)
class Socket:
    """A listening TCP socket and its owners, if they are known.

    Attributes:
        address: `*` for any; with the suffix `%lo` if it accepts connections on lo only
            (`bind … interface lo` of haproxy).
        waiting: connections that the kernel has accepted but the program has not.
        backlog: the maximum of `waiting`.
    """

    address: str
    port: int
    owners: tuple[Owner, ...]
    waiting: int = field(default=0, compare=False)
    backlog: int = field(default=0, compare=False)

    def belongs_to(self, container: ObservedContainer | None) -> bool:
        """Whether only processes of that container own it."""
        return (
            container is not None
            and bool(self.owners)
            and {owner.container for owner in self.owners} == {container.id}
        )


@dataclass(frozen=True)
class PortUser:
    """A user of a node that has connections to a local port; name is "" for one without account."""

    uid: int
    connections: int
    name: str = ""

    @property
    def shown(self) -> str:
        """Who it is."""
        return f"{self.name} (uid {self.uid})" if self.name else f"uid {self.uid}"


@dataclass(frozen=True)
class VrrpState:
    """The state of keepalived's instance, as reported by keepalived.

    Attributes:
        config_id: the end of its router_id: the id of the configuration that it has read.
        instance: the settings in effect.
    """

    state: Literal["MASTER", "BACKUP", "FAULT", "INIT"] | str
    priority: int
    effective_priority: int
    config_id: str
    instance: RunningInstance | None = field(default=None, compare=False)


@dataclass(frozen=True)
class BackendServer:
    """A server behind a listener, as reported by haproxy on the node.

    Attributes:
        status: UP, DOWN, "UP 1/3", no check, ...
        check: the result of the last check, in haproxy's abbreviations: L4OK, L4CON, L7STS, ...
        check_answer: the answer to that check, in words.
        code: the HTTP status of that answer, or "".
        address: with its port.
        sessions: the current number.
        answered: whether it has sent data to a client since haproxy started.
        limit: the maximum number of sessions (`maxconn` of its line); 0 for no limit.
        queued: connections that wait for this server, for example with `balance: source`.
    """

    listener: str
    name: str
    status: str
    check: str = field(default="", compare=False)
    check_answer: str = field(default="", compare=False)
    address: str = field(default="", compare=False)
    sessions: int = field(default=0, compare=False)
    answered: bool = field(default=False, compare=False)
    code: str = field(default="", compare=False)
    limit: int = field(default=0, compare=False)
    queued: int = field(default=0, compare=False)

    @property
    def full(self) -> bool:
        """Whether haproxy queues further connections."""
        return 0 < self.limit <= self.sessions

    @property
    def up(self) -> bool:
        """Whether haproxy sends connections there, also without a check."""
        return self.status.startswith("UP") or self.status == "no check"

    @property
    def outcome(self) -> str:
        """The result of the last check: "L7STS, 403 Forbidden"; "" if unknown."""
        answer = " ".join(word for word in (self.code, self.check_answer) if word)
        return ", ".join(word for word in (self.check, answer) if word)


@dataclass(frozen=True)
class Foreign:
    """A foreign container that serves a port of the cluster or runs keepalived.

    Attributes:
        path: of its configuration in the container; "" if it was not found.
        config: the configuration in use, with several files joined; it may contain secrets.
        extra_files: path in the container → content, of the scripts in the configuration and of
            the files beside it.
        unread: paths of private keys and large files beside it, which are not read.
        environment: the environment variables that its configuration uses.
        names: host names in its configuration → address in the container.
    """

    role: Role
    container: ObservedContainer
    path: str
    config: bytes = field(repr=False)
    extra_files: dict[str, bytes] = field(repr=False)
    unread: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ObservedNode:
    """The observed state of one node.

    Attributes:
        fingerprint: of everything that a plan is based on; a script that changes the node compares
            it again.
        lock: of the run that changes the cluster: owner, purpose, age, ...; {} if there is none.
        now: the node's clock, seconds since the epoch.
        root: whether scripts run as root.
        missing: tools that the node lacks.
        images: reference → image id, of the images in the inventory that the node has.
        docker: the version of the engine; "" if it was not read; None if it does not answer.
        docker_error: the error of an engine that does not answer.
        detached: roles whose running container has mounted a deleted folder.
        kept: names of the staged and the last good files.
        serving: the id of the configuration that haproxy serves, or None if it does not answer.
        health_port_users: the users with connections to a full health port, most connections first;
            () unless haproxy answered on its socket only.
        sessions: frontend → current number of sessions.
        session_limits: frontend → maximum number of sessions.
        queued: backend → connections that wait for any of its servers.
        versions: role → version of the running program; empty if it was not read.
        once_up: listeners without a backend that is up, but with one in haproxy's log.
        settled: seconds until the VIP answered after a change; 0.0 without a wait.
        vip_answers: (VIP, port) → the answer to a client on this node.
        check_age: seconds since keepalived last ran its check, or None if it never did.
        keepaliveds: pid → container id, or "" for one that runs on the host.
        foreign: foreign containers with a function of the cluster.
        publishers: port → the containers for which the engine publishes it.
        stopped_foreign: stopped containers that the engine may start by itself.
        autostart_files: files that start haproxy or keepalived at boot.
        other_clusters: of hadeploy, on the same node.
        architectures: reference → architecture of the images, as in Docker.
        host: the machine and its network.
        skew: minimum seconds that its clock is ahead of this machine's; negative: behind.
        segment: the answers on its network segment; None if it could not send probes.
    """

    node: str
    fingerprint: str
    lock: dict[str, str]
    now: int
    machine: str
    root: bool
    missing: tuple[str, ...]
    docker: str | None
    docker_error: str
    containers: tuple[ObservedContainer, ...]
    images: dict[str, str]
    files: tuple[ObservedFile, ...]
    detached: frozenset[str]
    kept: tuple[str, ...]
    addresses: tuple[Address, ...]
    sockets: tuple[Socket, ...]
    vrrp: VrrpState | None
    check_age: int | None
    keepaliveds: dict[int, str]
    serving: str | None
    backends: tuple[BackendServer, ...]
    vip_answers: dict[tuple[str, int], Answer]
    applied: Applied | None
    foreign: tuple[Foreign, ...] = ()
    publishers: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    stopped_foreign: tuple[StoppedForeign, ...] = ()
    autostart_files: tuple[AutostartFile, ...] = ()
    other_clusters: tuple[OtherCluster, ...] = ()
    architectures: Mapping[str, str] = field(default_factory=dict)
    host: Host = field(default_factory=Host)
    skew: float = 0.0
    sessions: Mapping[str, int] = field(default_factory=dict)
    session_limits: Mapping[str, int] = field(default_factory=dict)
    queued: Mapping[str, int] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    settled: float = 0.0
    once_up: frozenset[str] = frozenset()
    segment: Segment | None = None
    health_port_users: tuple[PortUser, ...] = ()

    def container(self, name: str) -> ObservedContainer | None:
        """The container of that name, of the cluster or foreign."""
        return next((c for c in self.containers if c.name == name), None)

    def file(self, path: str) -> ObservedFile | None:
        """The file of that path in the cluster's folder."""
        return next((f for f in self.files if f.path == path), None)

    def ours(self, cluster: str) -> list[ObservedContainer]:
        """The containers with the label of that cluster."""
        return [c for c in self.containers if c.cluster == cluster]

    def holds(self, address: str) -> bool:
        """Whether the node has that address."""
        return any(a.address == address for a in self.addresses)

    def interface_of(self, address: str) -> str | None:
        """The interface with that address."""
        return next((a.interface for a in self.addresses if a.address == address), None)

    def listeners(self, port: int) -> list[Socket]:
        """The sockets that listen on that port, at any address."""
        return [s for s in self.sockets if s.port == port]

    def ours_of(self, cluster: str, role: str) -> ObservedContainer | None:
        """The running or paused container of that cluster and role."""
        ours = [c for c in self.ours(cluster) if c.role == role]
        return next((c for c in ours if c.status in ("running", "paused")), None)
