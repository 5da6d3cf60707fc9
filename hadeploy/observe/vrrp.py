"""The settings and statistics that keepalived reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class RunningInstance:
    """The settings in effect in a running instance; its file may have changed since.

    Attributes:
        settings: those that must be equal on all nodes: name → value, as printed by keepalived.
        source: the source address of its adverts; "" if unknown.
        peers: the receivers of its unicast adverts; empty for multicast.
        vips: the addresses in its adverts, without prefixes.
        places: interface and address/prefix of all its VIPs, including the other address family.
        master: the address of the master from which it receives adverts, or "".
        config_faults: the number of settings that it could not apply.
        tracker_faults: the number of checks, files and interfaces that keep it in FAULT.
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
    """The statistics of an instance since its start.

    Attributes:
        sent: adverts.
        received: adverts, including refused ones.
        refused: reason → number of adverts.
    """

    sent: int
    received: int
    refused: Mapping[str, int] = field(default_factory=dict)

    def since(self, before: Counters) -> Counters:
        """The difference from an earlier observation; everything if keepalived has restarted."""
        if self.sent < before.sent or self.received < before.received:
            return self
        refused = {why: n - before.refused.get(why, 0) for why, n in self.refused.items()}
        return Counters(self.sent - before.sent, self.received - before.received, refused)


@dataclass(frozen=True)
class Diagnostics:
    """Additional observations of one node, after a proof has failed.

    Attributes:
        seconds: the time between two reads of keepalived's statistics.
        adverts: sent and received in that time; None if unknown.
        logs: role → the last lines of that container, without the traces of observations.
        iptables: the output of `TOOL-save` by tool: iptables, ip6tables and the same with
            `-legacy`.
        ipsets: the output of ipset.
        nft: the rule set from `nft -j`, or {}.
        frozen: roles whose container has a stopped process (SIGSTOP).
    """

    seconds: int = 0
    adverts: Counters | None = None
    logs: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    iptables: Mapping[str, str] = field(default_factory=dict, repr=False)
    ipsets: str = field(default="", repr=False)
    nft: Mapping[str, Any] = field(default_factory=dict, repr=False)
    frozen: frozenset[str] = frozenset()
