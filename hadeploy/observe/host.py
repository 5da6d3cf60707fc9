"""The machine that a node is, apart from what we put there; gathered read-only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Link:
    """A network interface.

    Attributes:
        flags: as the kernel names them: UP, LOWER_UP, ...
        mac: its hardware address, or "".
    """

    flags: frozenset[str]
    mac: str

    @property
    def up(self) -> bool:
        """Whether it is switched on and has a carrier."""
        return {"UP", "LOWER_UP"} <= self.flags


@dataclass(frozen=True)
class Nofile:
    """How many files a container may be allowed to open.

    Attributes:
        most: the kernel's own limit.
        hard: the engine's own hard limit; None for none.
        raises: whether the engine may raise limits (CAP_SYS_RESOURCE).
    """

    most: int
    hard: int | None
    raises: bool


@dataclass(frozen=True)
class Host:
    """What `hadeploy check` asks of a machine.

    Attributes:
        thorough: whether what follows `haproxies` was asked for at all; `root` of `free`,
            `read_only` and `nonlocal_bind` always are.
        links: by name.
        gateways: addresses of its default routers.
        haproxies: pid → container id of every haproxy, or "" for one that runs on the host.
        neighbours: for each VIP that was asked for on the segment, the hardware address that
            answered, or "".
        docker: what `docker info` says; {} if nothing.
        free: bytes free, by `docker` (its data folder) and `root` (our folder).
        free_inodes: how many files more there may be, where there is a limit, by the same.
        read_only: those of the two that are on a read-only file system.
        folder: what is wrong with our folder → the path that it is about: "blocked" by what is no
            folder, "inside" of another cluster's folder, "foreign" files in it.
        nonlocal_bind: whether a program may bind an IPv4 address that the node does not have.
        units: systemd unit → state, and `UNIT.boot` → whether it is enabled.
        iptables: what `TOOL-save` says of all tables, by tool: iptables, ip6tables and the same
            with `-legacy`.
        ipsets: what ipset says of its sets.
        nft: the rule set as `nft -j` tells it, or {}.
        resolution: seconds that looking its own name up took, or None.
        heard: who sends adverts with our virtual_router_id, by address, "" for somebody whose
            address keepalived did not tell; None if nobody listened.
        selinux: whether SELinux enforces.
        label: SELinux' label of our folder; "" if there is none.
    """

    links: Mapping[str, Link] = field(default_factory=dict)
    gateways: frozenset[str] = frozenset()
    haproxies: Mapping[int, str] = field(default_factory=dict)
    thorough: bool = False
    neighbours: Mapping[str, str] = field(default_factory=dict)
    docker: Mapping[str, Any] = field(default_factory=dict, repr=False)
    free: Mapping[str, int] = field(default_factory=dict)
    free_inodes: Mapping[str, int] = field(default_factory=dict)
    read_only: frozenset[str] = frozenset()
    folder: Mapping[str, str] = field(default_factory=dict)
    nonlocal_bind: bool = False
    nofile: Nofile | None = None
    units: Mapping[str, str] = field(default_factory=dict)
    iptables: Mapping[str, str] = field(default_factory=dict, repr=False)
    ipsets: str = field(default="", repr=False)
    nft: Mapping[str, Any] = field(default_factory=dict, repr=False)
    resolution: float | None = None
    heard: tuple[str, ...] | None = None
    selinux: bool = False
    label: str = ""

    @property
    def security(self) -> str:
        """The engine's security options (`name=rootless`, `name=selinux`, ...), in one line."""
        options = self.docker.get("SecurityOptions")
        return " ".join(map(str, options)) if isinstance(options, list) else ""
