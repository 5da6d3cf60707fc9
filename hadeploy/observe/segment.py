"""What a node sees of its network segment: who answers for an address, and who sends adverts."""

from __future__ import annotations

import contextlib
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from hadeploy.scripts.protocol import Reply

# By then tasks/observe/segment.sh has asked twice; a look takes that long anyway.
ASKED_SECONDS = 0.12
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")


@dataclass(frozen=True)
class Segment:
    """The segment as one node sees it.

    Attributes:
        interface: where it asked.
        seconds: for how long it listened.
        answers: address → the hardware addresses that answered for it. The addresses are the VIPs,
            the nodes' own, and those of former and forgotten nodes. What the node itself has on the
            interface is not among them: nobody answers oneself.
        adverts: source address → priority, of every VRRP advert with the cluster's
            virtual_router_id that arrived.
    """

    interface: str
    seconds: float = 0.0
    answers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    adverts: Mapping[str, int] = field(default_factory=dict)


def parse_segment(reply: Reply) -> Segment | None:
    """What segment.sh printed; None if it could not ask.

    Args:
        reply: what observe.sh printed.
    """
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
