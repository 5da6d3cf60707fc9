"""A drill: what was broken, what was seen of it, and the figures that follow; as values.

All times are seconds since the epoch by this machine's clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from hadeploy.drill.scenarios import Scenario

Kind = Literal[
    "bound",
    "unbound",
    "state",
    "check",
    "priority",
    "container",
    "breaking",
    "broken",
    "mending",
    "mended",
    "log",
]
How = Literal["tls", "http", "connect"]


@dataclass(frozen=True, order=True)
class Event:
    """Something that happened on a node.

    Attributes:
        at: when.
        node: its label.
        kind: bound and unbound are of a VIP; state is keepalived's, check that of its check of
            haproxy, priority what it competes with; container is what Docker did; breaking to
            mended are what the drill did.
        what: the address, MASTER or BACKUP or FAULT, failed or succeeded, `271 250` (from, to),
            `haproxy die`, ...
        said: the line of the log that it was read from; "" if it is not from one.
    """

    at: float
    node: str
    kind: Kind
    what: str
    said: str = ""


@dataclass(frozen=True, order=True)
class Request:
    """One new connection through the VIP.

    Attributes:
        due: when it was to start.
        ended: when it was answered, or had failed.
        error: why it failed; "" if it was answered.
    """

    due: float
    ended: float
    error: str = ""


@dataclass(frozen=True)
class Probing:
    """Who asked through the VIP, and how.

    Attributes:
        source: "here", or the label of a node.
        how: a TLS handshake with a backend, a plain request to it, or only a connection to haproxy.
        rate: requests a second.
    """

    source: str
    how: How
    rate: float


@dataclass(frozen=True)
class Round:
    """One breakage and what became of it.

    Attributes:
        scenario: what was broken.
        victims: the nodes where something was broken.
        holder: who held the VIPs before.
        vips: their addresses.
        events: in the order in which they happened.
        probing: None without requests.
        requests: in the order in which they were due.
        healthy: whether every proof held in the end.
        priorities: what each node competed with before, as (node, priority).
    """

    scenario: Scenario
    victims: tuple[str, ...]
    holder: str
    vips: tuple[str, ...]
    events: tuple[Event, ...]
    probing: Probing | None = None
    requests: tuple[Request, ...] = field(default=(), repr=False)
    healthy: bool = False
    priorities: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Figures:
    """What a round comes to; durations are in seconds, from the moment when the breaking began.

    Attributes:
        began: that moment.
        moved: whether the VIP had to move.
        detected: until a keepalived detected the failure; None if none did.
        taken_over: until a node had bound the VIP anew, one where nothing was broken if there is
            such a one; None if none did. A holder whose keepalived was killed may do so itself.
        successor: which node that was.
        way: who has bound it, one after the other.
        left: who had it when the mending began.
        outage: the longest time without an answer; None without requests.
        outage_began: when that began, relative to the breaking.
        failed: requests without an answer.
        requests: all of them.
        double: for how long more than one node had the VIP.
        failed_back: whether its first holder has it again in the end.
        holders: who has it in the end.
    """

    began: float
    moved: bool
    detected: float | None
    taken_over: float | None
    successor: str | None
    way: tuple[str, ...]
    left: tuple[str, ...]
    outage: float | None
    outage_began: float | None
    failed: int
    requests: int
    double: float
    failed_back: bool
    holders: tuple[str, ...]
