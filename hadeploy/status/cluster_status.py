"""The status of a cluster as values; --json prints `dataclasses.asdict` of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hadeploy.desired.roles import Role

Health = Literal["healthy", "degraded", "down", "unknown"]
Configuration = Literal["in-sync", "pending", "drifted", "absent"]


@dataclass(frozen=True)
class ContainerStatus:
    """One of the two containers of a node.

    Attributes:
        state: the engine's state (running, exited, ...); or missing; or unknown, if the engine does
            not answer.
        up_seconds: since its start; None unless it runs.
        restarts: the number of restarts by the engine.
        image: the image reference it was created with; None if it is missing.
        version: the version that the program reports; None if it reports none.
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
    """The VRRP state that keepalived reports.

    Attributes:
        effective_priority: the priority plus the weight of the check.
    """

    state: str
    priority: int
    effective_priority: int


@dataclass(frozen=True)
class ListenerStatus:
    """A listener on one node.

    Attributes:
        sessions: None if haproxy does not report them.
        most: the maximum number of sessions; None if haproxy does not report it.
    """

    name: str
    port: int
    sessions: int | None
    most: int | None = None


@dataclass(frozen=True)
class BackendStatus:
    """A server behind a listener, as reported by haproxy on one node.

    Attributes:
        status: haproxy's state: UP, DOWN, "UP 1/3", no check, ...
        check: the result of the last check, in haproxy's abbreviations and in words.
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
    """The record on the node.

    Attributes:
        at: ISO 8601.
        version: of hadeploy.
        configuration: the id of the configuration of the cluster, the same on every node.
    """

    by: str
    at: str
    version: str
    configuration: str


@dataclass(frozen=True)
class NodeStatus:
    """One node; an unreachable node has only a name, an address and an error.

    Attributes:
        error: why the node is unreachable, or None.
        vips: the VIPs that it holds.
        drained: what keeps the VIP off it: drain (an operator), handover (a run).
        configuration: in-sync; pending (the inventory has changed); drifted (the node was changed,
            or a part of it failed); absent (nothing was applied); None if unknown.
        changes: the number of steps that `up` would perform there.
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
        """Its container of that role; None if the node is unreachable."""
        return next((c for c in self.containers if c.role == role), None)


@dataclass(frozen=True)
class VipStatus:
    """A VIP and the reachable nodes that hold it; a healthy cluster has one holder.

    Attributes:
        applied: whether the record of any node contains it; if not, it is only in the inventory.
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
    """The status of a cluster.

    Attributes:
        verdict: healthy; degraded (it serves, but something is wrong); down (it does not serve);
            unknown (no node is reachable).
        at: the time of the observation, by the clock of this machine, ISO 8601.
    """

    verdict: Health
    at: str
    vips: tuple[VipStatus, ...]
    nodes: tuple[NodeStatus, ...]
    changing: Changing | None = None
