"""What a drill did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hadeploy.desired.desired_node import DesiredNode
from hadeploy.drill.verdict import Result
from hadeploy.inventory.cluster import Cluster
from hadeploy.support.redact import Redactor


@dataclass(frozen=True)
class Setting:
    """What the drill was about.

    Attributes:
        cluster: the inventory.
        desired: what was proven to be on the nodes, by label.
        versions: what runs there, by node label and program.
        at: when the drill began, in seconds since the epoch.
        max_outage: seconds without an answer that were allowed, or None.
    """

    cluster: Cluster
    desired: Mapping[str, DesiredNode]
    versions: Mapping[str, Mapping[str, str]]
    at: float
    max_outage: float | None


@dataclass
class DrillRecord:
    """What a drill did; filled in round by round.

    Attributes:
        setting: what the drill was about.
        redactor: removes the secrets of the cluster from texts.
        results: the rounds that are done.
        complete: whether the drill came to its end.
    """

    setting: Setting
    redactor: Redactor
    results: list[Result] = field(default_factory=list)
    complete: bool = False
