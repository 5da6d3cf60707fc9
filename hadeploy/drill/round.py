"""A round of a drill: the failure, and the events and requests during it.

All times are seconds since the epoch by the clock of this machine.
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
RequestKind = Literal["tls", "http", "connect"]


@dataclass(frozen=True, order=True)
class Event:
    """An event on a node.

    Attributes:
        at: the time.
        node: its label.
        kind: bound and unbound: a VIP; state: of keepalived; check: keepalived's check of haproxy;
            priority: the current VRRP priority; container: an action of Docker; breaking to
            mended: the start and end of the failure and of the repair.
        what: the address, MASTER or BACKUP or FAULT, failed or succeeded, `271 250` (from, to),
            `haproxy die`, ...
        log_line: the text of the log line of the event; "" if it has another source.
    """

    at: float
    node: str
    kind: Kind
    what: str
    log_line: str = ""


@dataclass(frozen=True, order=True)
class Request:
    """A request through the VIP, on a new connection.

    Attributes:
        due: the time when it was to start.
        ended: the time of the answer or of the error.
        error: why it failed; "" if it was answered.
    """

    due: float
    ended: float
    error: str = ""


@dataclass(frozen=True)
class Probing:
    """The sender and the kind of the requests through the VIP.

    Attributes:
        source: "here", or the label of a node.
        kind: a TLS handshake with a backend, a plain request to it, or only a connection to
            haproxy.
        rate: requests per second.
    """

    source: str
    kind: RequestKind
    rate: float


@dataclass(frozen=True)
class Round:
    """One failure and its effects.

    Attributes:
        scenario: the failure.
        victims: the nodes with the failure.
        holder: the holder of the VIPs before the failure.
        vips: their addresses.
        events: ordered by time.
        probing: None without requests.
        requests: ordered by the time when they were due.
        healthy: whether all proofs passed at the end.
        priorities: the VRRP priority of each node before the failure, as (node, priority).
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
