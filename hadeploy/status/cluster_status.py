"""How a cluster is right now, as values; `dataclasses.asdict` of one is what --json tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hadeploy.desired.desired_node import Role

Health = Literal["healthy", "degraded", "down", "unknown"]
Configuration = Literal["in-sync", "pending", "drifted", "absent"]


@dataclass(frozen=True)
class ContainerStatus:
    """One of the two containers of a node.

    Attributes:
        state: as the engine calls it (running, exited, ...); or missing; or unknown, where the
            engine does not answer.
        up_seconds: since it was started; None unless it runs.
        restarts: how often the engine has restarted it.
        image: the reference that it was made with; None if it is missing.
        version: what the program says of itself; None if it does not.
    """

    role: Role
    name: str
    state: str
    up_seconds: int | None = None
    restarts: int = 0
    image: str | None = None
    version: str | None = None


@dataclass(frozen=True)
class VrrpStatus:
    """What keepalived says of itself.

    Attributes:
        effective_priority: what it competes with: the priority, and the weight of its check.
    """

    state: str
    priority: int
    effective_priority: int


@dataclass(frozen=True)
class ListenerStatus:
    """A listener on one node; sessions and most are None where haproxy does not tell.

    Attributes:
        most: how many sessions it may have.
    """

    name: str
    port: int
    sessions: int | None
    most: int | None = None


@dataclass(frozen=True)
class BackendStatus:
    """A server behind a listener, as the haproxy of one node sees it.

    Attributes:
        status: haproxy's word: UP, DOWN, "UP 1/3", no check, ...
        check: how its last check ended, in haproxy's abbreviations and in words.
    """

    listener: str
    name: str
    address: str
    status: str
    check: str
    sessions: int

    @property
    def up(self) -> bool:
        """Whether haproxy sends connections there."""
        return self.status.startswith("UP")


@dataclass(frozen=True)
class AppliedStatus:
    """What the record on the node says.

    Attributes:
        at: ISO 8601.
        version: hadeploy's.
        configuration: the id of the whole cluster's configuration, the same on every node.
    """

    by: str
    at: str
    version: str
    configuration: str


@dataclass(frozen=True)
class NodeStatus:
    """One node; of one that cannot be reached, only the name, the address and why.

    Attributes:
        error: why it cannot be reached, or None.
        vips: those that it holds.
        drained: what keeps the VIP off it: drain (an operator), handover (a run).
        configuration: whether it is what the inventory says: in-sync; pending (the inventory has
            changed); drifted (the node was changed, or something of it failed); absent (nothing
            was applied). None if it is not known.
        changes: how many steps `up` would take there.
    """

    node: str
    address: str
    error: str | None = None
    vips: tuple[str, ...] = ()
    vrrp: VrrpStatus | None = None
    drained: tuple[str, ...] = ()
    configuration: Configuration | None = None
    changes: int = 0
    containers: tuple[ContainerStatus, ...] = ()
    listeners: tuple[ListenerStatus, ...] = ()
    backends: tuple[BackendStatus, ...] = ()
    applied: AppliedStatus | None = None
    docker: str | None = None

    def container(self, role: Role) -> ContainerStatus | None:
        """Its container of that role; None if the node cannot be reached."""
        return next((c for c in self.containers if c.role == role), None)


@dataclass(frozen=True)
class VipStatus:
    """A VIP and the nodes that have it, of those that can be reached; one, if all is well.

    Attributes:
        applied: whether some node was told to have it; if not, it is in the inventory only.
    """

    address: str
    holders: tuple[str, ...]
    applied: bool = True


@dataclass(frozen=True)
class Changing:
    """Another run that is changing the cluster."""

    by: str
    purpose: str


@dataclass(frozen=True)
class ClusterStatus:
    """A whole cluster.

    Attributes:
        verdict: healthy; degraded (it serves, and something is wrong); down (it does not serve);
            unknown (no node can be reached).
        at: when it was looked at, on this machine's clock, ISO 8601.
    """

    verdict: Health
    at: str
    vips: tuple[VipStatus, ...]
    nodes: tuple[NodeStatus, ...]
    changing: Changing | None = None
