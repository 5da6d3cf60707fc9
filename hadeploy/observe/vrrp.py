"""What keepalived tells of itself: the settings that it runs, and what it has sent and heard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Spoken:
    """The settings that a running instance speaks, whatever its file says by now.

    Attributes:
        settings: what all nodes must agree on: name → value, as keepalived prints it.
        source: the address that its adverts come from; "" if it does not tell.
        peers: whom it sends unicast adverts to; empty for multicast.
        vips: the addresses that its adverts name, without prefixes.
        places: where it puts them, and those of the other family: interface and address/prefix.
        master: the address of the master that it hears, or "".
        config_faults: how many of its settings it could not follow.
        tracker_faults: how many of its checks, files and interfaces keep it in FAULT.
    """

    settings: Mapping[str, str]
    source: str = ""
    peers: tuple[str, ...] = ()
    vips: tuple[str, ...] = ()
    places: frozenset[tuple[str, str]] = frozenset()
    master: str = ""
    config_faults: int = 0
    tracker_faults: int = 0


@dataclass(frozen=True)
class Counters:
    """An instance's statistics, which only ever grow.

    Attributes:
        sent: adverts.
        received: adverts, also such as it then refuses.
        refused: why → how many adverts.
    """

    sent: int
    received: int
    refused: Mapping[str, int] = field(default_factory=dict)

    def since(self, before: Counters) -> Counters:
        """What has come since an earlier look; all of it, if keepalived was restarted since."""
        if self.sent < before.sent or self.received < before.received:
            return self
        refused = {why: n - before.refused.get(why, 0) for why, n in self.refused.items()}
        return Counters(self.sent - before.sent, self.received - before.received, refused)


@dataclass(frozen=True)
class Diagnostics:
    """A second look at one node, after a proof has failed.

    Attributes:
        seconds: how long its keepalived was listened to.
        adverts: what it has sent and heard in that time; None if it did not tell.
        logs: role → the last lines of that container, without what our own looks leave there.
        iptables: what `TOOL-save` says of all tables, by tool: iptables, ip6tables and the same
            with `-legacy`.
        ipsets: what ipset says of its sets.
        nft: the rule set as `nft -j` tells it, or {}.
        frozen: roles whose container has a process that somebody has stopped.
    """

    seconds: int = 0
    adverts: Counters | None = None
    logs: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    iptables: Mapping[str, str] = field(default_factory=dict, repr=False)
    ipsets: str = field(default="", repr=False)
    nft: Mapping[str, Any] = field(default_factory=dict, repr=False)
    frozen: frozenset[str] = frozenset()
