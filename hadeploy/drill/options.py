"""How a drill is done."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DrillOptions:
    """How a drill is done.

    Attributes:
        repeat: repeat each round this many times.
        hold: seconds that a failure lasts after the VIP has moved.
        rate: requests per second through the VIP, from this machine.
        timeout: seconds within which the cluster must recover.
        max_outage: seconds without an answer that are allowed; None: any.
        allowed: permissions that scenarios need: the options of the command line.
        versions: record the versions of the programs on the nodes.
    """

    repeat: int = 1
    hold: float = 2.0
    rate: float = 50.0
    timeout: float = 60.0
    max_outage: float | None = None
    allowed: tuple[str, ...] = ()
    versions: bool = False
