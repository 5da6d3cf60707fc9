"""The options of a drill."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DrillOptions:
    """The options of a drill.

    Attributes:
        repeat: repeat each round this many times.
        hold: seconds that a failure lasts after the VIP has moved.
        rate: requests per second through the VIP, from this machine.
        timeout: seconds within which the cluster must recover.
        max_outage: the longest allowed outage in seconds; None: any.
        allowed: the options that scenarios require, such as --allow-link-down.
        versions: record the versions of the programs on the nodes.
    """

    repeat: int = 1
    hold: float = 2.0
    rate: float = 50.0
    timeout: float = 60.0
    max_outage: float | None = None
    allowed: tuple[str, ...] = ()
    versions: bool = False
