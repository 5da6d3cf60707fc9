"""What a node has, as values; gathered read-only."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from hadeploy.desired.desired_node import Role
from hadeploy.observe.host import Host
from hadeploy.observe.segment import Segment
from hadeploy.observe.vrrp import Spoken

if TYPE_CHECKING:
    from hadeploy.answers.answer import Answer
    from hadeploy.observe.autostart_files import AutostartFile
    from hadeploy.observe.other_clusters import OtherCluster
    from hadeploy.observe.stopped_foreign import StoppedForeign


# After that time the engine itself takes a container for one that runs (moby: restartmanager).
RESTART_LOOP_SECONDS = 10


@dataclass(frozen=True)
class ObservedContainer:
    """A container, as `docker container inspect` tells it.

    Attributes:
        name: without the leading slash.
        id: the container's full id.
        image_id: what it was made from.
        image: the reference it was made with.
        cluster: our label's value, or None on a foreign container.
        spec: our label's value, or None.
        role: our label's value, or None.
        status: created, running, paused, restarting, removing, exited or dead.
        started: seconds since the epoch; 0.0 if never.
        restarts: how often the engine has restarted it.
        exit_code: of the last end.
        pid: of its first process on the node; 0 if it does not run.
    """

    name: str
    id: str
    image_id: str
    image: str
    cluster: str | None
    spec: str | None
    role: str | None
    status: str
    started: float
    restarts: int
    exit_code: int
    pid: int
    raw: dict[str, Any] = field(repr=False, compare=False)

    @property
    def running(self) -> bool:
        """Whether its process runs now."""
        return self.status == "running"

    def restarts_in_a_loop(self, now: int) -> bool:
        """Whether the engine starts it again and again; it calls it running for moments.

        Args:
            now: the node's clock, seconds since the epoch.
        """
        young = self.running and now - self.started < RESTART_LOOP_SECONDS
        return self.status == "restarting" or (young and self.restarts > 0)


@dataclass(frozen=True)
class ObservedFile:
    """A file in the cluster's folder; path is relative to it."""

    path: str
    mode: int
    owner: str
    content: bytes = field(repr=False)

    @property
    def sha256(self) -> str:
        """The content's SHA-256, in hex."""
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
        """Whether a run keeps it there for a moment (lib/addresses.sh, `pin_vip`)."""
        return self.interface == "lo" and self.lifetime is not None


@dataclass(frozen=True, order=True)
class Owner:
    """A process that owns a socket; container is "" for one of the node itself."""

    name: str
    pid: int
    container: str = ""


@dataclass(frozen=True)
class Socket:
    """A listening TCP socket and, where the node tells, its owners.

    Attributes:
        address: `*` for any; with `%lo` behind it where connections to other interfaces are not
            accepted (`bind … interface lo` of haproxy).
        waiting: connections that the kernel has accepted and the program has not.
        backlog: how many of those there may be.
    """

    address: str
    port: int
    owners: tuple[Owner, ...]
    waiting: int = field(default=0, compare=False)
    backlog: int = field(default=0, compare=False)

    def belongs_to(self, container: ObservedContainer | None) -> bool:
        """Whether that container's processes own it, and nobody else."""
        return (
            container is not None
            and bool(self.owners)
            and {owner.container for owner in self.owners} == {container.id}
        )


@dataclass(frozen=True)
class VrrpState:
    """What keepalived itself says of its instance.

    Attributes:
        config_id: the end of its router_id, which names the file that it has read.
        spoken: the settings that it runs.
    """

    state: Literal["MASTER", "BACKUP", "FAULT", "INIT"] | str
    priority: int
    effective_priority: int
    config_id: str
    spoken: Spoken | None = field(default=None, compare=False)


@dataclass(frozen=True)
class BackendServer:
    """A server behind a listener, as this node's haproxy sees it.

    Attributes:
        status: UP, DOWN, "UP 1/3", no check, ...
        check: how its last check ended, in haproxy's abbreviations: L4OK, L4CON, L7STS, ...
        said: what the check's last answer was, in words.
        code: the HTTP status of that answer, or "".
        address: where it listens, with its port.
        sessions: how many it has now.
        answered: whether it has sent anything to a client since haproxy was started.
        limit: how many sessions it may have (`maxconn` of its line); 0 for any number.
        queued: how many connections wait for it alone, as with `balance: source`.
    """

    listener: str
    name: str
    status: str
    check: str = field(default="", compare=False)
    said: str = field(default="", compare=False)
    address: str = field(default="", compare=False)
    sessions: int = field(default=0, compare=False)
    answered: bool = field(default=False, compare=False)
    code: str = field(default="", compare=False)
    limit: int = field(default=0, compare=False)
    queued: int = field(default=0, compare=False)

    @property
    def full(self) -> bool:
        """Whether haproxy lets further connections wait for it."""
        return 0 < self.limit <= self.sessions

    @property
    def up(self) -> bool:
        """Whether haproxy sends connections there; also where it does not check the server."""
        return self.status.startswith("UP") or self.status == "no check"

    @property
    def outcome(self) -> str:
        """How its last check ended: "L7STS, 403 Forbidden"; "" if haproxy does not tell."""
        answer = " ".join(word for word in (self.code, self.said) if word)
        return ", ".join(word for word in (self.check, answer) if word)


@dataclass(frozen=True)
class InventoryChange:
    """A change of the inventory, as our applied record remembers it.

    Attributes:
        by: who applied it.
        at: when, in ISO 8601.
        was: the fields that changed, and a digest of the value of each before.
    """

    by: str
    at: str
    was: Mapping[str, str]


@dataclass(frozen=True)
class Applied:
    """Our applied record: what was put on the node, by whom and when.

    Attributes:
        members: the addresses of all nodes of the cluster.
        files: path → SHA-256 of what the programs were last told to read.
        configuration: the id of the whole cluster's desired state at that time.
        inventory: what it was made from, or {} in a record of an older version.
        config_ids: what each program names its configuration by, by role.
        ports: of the listeners.
        listeners: port → name of the listener.
        metrics_port: where haproxy's metrics are; None if they are off.
        containers: name → hash of what it was made with.
        forgotten: addresses of nodes that left the inventory without being stopped.
        changes: of the inventory, the last one first.
        contents: what the inventory only points to, by the field that does, and a digest of each
            (rollout/contents.py); None in a record of an older version.
    """

    vips: tuple[str, ...]
    interface: str
    by: str
    at: str
    version: str
    files: dict[str, str]
    members: tuple[str, ...] = ()
    configuration: str = ""
    inventory: dict[str, Any] = field(default_factory=dict, repr=False)
    config_ids: dict[str, str] = field(default_factory=dict)
    ports: tuple[int, ...] = ()
    listeners: dict[int, str] = field(default_factory=dict)
    metrics_port: int | None = None
    containers: dict[str, str] = field(default_factory=dict)
    forgotten: tuple[str, ...] = ()
    changes: tuple[InventoryChange, ...] = ()
    contents: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Foreign:
    """Somebody else's container that serves one of our ports or runs a keepalived.

    Attributes:
        role: what it does there.
        container: what it was made with.
        path: of its configuration in the container; "" if it was not found.
        config: the configuration as it runs it, several files in a row; it may hold secrets.
        extra_files: path in the container → content, of the scripts that the configuration names
            and of what is beside it.
        unread: paths of files beside it that are private keys or large; their content stays there.
        environment: the variables that its configuration names, as its process has them.
        names: host names in its configuration → the address that each has there.
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
        fingerprint: of all that a plan is made on; a script that changes something checks it again.
        lock: who is changing the cluster now: owner, purpose, age, ...; {} if nobody is.
        now: the node's clock, seconds since the epoch.
        root: whether our scripts run as root there.
        missing: tools that the node lacks.
        images: reference → image id, for those of the inventory that are there.
        docker: the engine's version, "" if it was not asked for; None if it does not answer.
        docker_error: what it said instead.
        detached: roles whose running container no longer sees the folder that is there.
        kept: our staged and last good files, by name only.
        serving: the id of the configuration that haproxy answers with, or None if it does not.
        sessions: frontend → how many its haproxy has now.
        session_limits: frontend → how many it may have.
        queued: backend → how many connections wait for any of its servers.
        versions: role → what the running program says of itself; empty if it was not asked.
        once_up: listeners without a backend that is up, which haproxy's log says had one.
        settled: seconds that the VIP took to answer there after a change; 0.0 if nobody waited.
        through: (VIP, port) → what a client on this node is answered.
        check_age: seconds since keepalived's check of haproxy ran, or None if it never did.
        keepaliveds: pid → container id, or "" for one that runs on the host.
        foreign: somebody else's containers in our place.
        publishers: port → the containers for which the engine holds it.
        stopped_foreign: those that the engine may start by itself.
        autostart_files: files that start haproxy or keepalived in a container at boot.
        other_clusters: of hadeploy, on the same node.
        architectures: reference → architecture as Docker names it, of those images.
        host: the machine itself, and its network.
        skew: seconds that its clock is surely ahead of ours; negative: behind.
        segment: who answers for the VIPs on its segment; None if it could not ask.
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
    through: dict[tuple[str, int], Answer]
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

    def container(self, name: str) -> ObservedContainer | None:
        """The container of that name, ours or not."""
        return next((c for c in self.containers if c.name == name), None)

    def file(self, path: str) -> ObservedFile | None:
        """The file of that path in the cluster's folder."""
        return next((f for f in self.files if f.path == path), None)

    def ours(self, cluster: str) -> list[ObservedContainer]:
        """The containers that carry this cluster's label."""
        return [c for c in self.containers if c.cluster == cluster]

    def holds(self, address: str) -> bool:
        """Whether that address is on one of the node's interfaces."""
        return any(a.address == address for a in self.addresses)

    def interface_of(self, address: str) -> str | None:
        """The interface that carries that address."""
        return next((a.interface for a in self.addresses if a.address == address), None)

    def listeners(self, port: int) -> list[Socket]:
        """The sockets that listen on that port, at whatever address."""
        return [s for s in self.sockets if s.port == port]

    def ours_of(self, cluster: str, role: str) -> ObservedContainer | None:
        """This cluster's container of that role that has processes, whatever its name."""
        alive = ("running", "paused")
        ours = [c for c in self.ours(cluster) if c.role == role and c.status in alive]
        return ours[0] if ours else None
