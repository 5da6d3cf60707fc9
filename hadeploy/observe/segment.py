"""What a node receives on its network segment: answers for addresses, and VRRP adverts."""

from __future__ import annotations

import contextlib
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from hadeploy.scripts.protocol import Reply

# Enough for two probes of tasks/observe/segment.sh; any observation takes as long.
ASKED_SECONDS = 0.12
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")


@dataclass(frozen=True)
class Segment:
    """The answers and adverts that one node received on its segment.

    Attributes:
        interface: on which it sent probes.
        seconds: for which it listened.
        answers: address → the hardware addresses that answered for it. The addresses are the VIPs
            and the addresses of nodes, former nodes and forgotten nodes, without the node's own.
        adverts: source address → priority, of the received adverts with the cluster's
            virtual_router_id.
    """

    interface: str
    seconds: float = 0.0
    answers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    adverts: Mapping[str, int] = field(default_factory=dict)


def parse_segment(reply: Reply) -> Segment | None:
    """Parse the output of segment.sh; None if it could not send probes."""
    message = next((m for m in reply.all("segment") if len(m.words) == 2), None)
    if message is None:
        return None
    answers: dict[str, set[str]] = {}
    adverts: dict[str, int] = {}
    for line in message.text.splitlines():
        kind, address, value = [*line.split(), "", "", ""][:3]
        with contextlib.suppress(ValueError):
            address = str(ipaddress.ip_address(address))
            if kind == "answer" and _MAC.fullmatch(value):
                answers.setdefault(address, set()).add(value)
            elif kind == "advert":
                adverts[address] = max(int(value), adverts.get(address, 0))
    return Segment(
        interface=message.words[0],
        seconds=float(message.words[1]),
        answers={a: frozenset(macs) for a, macs in answers.items()},
        adverts=adverts,
    )
