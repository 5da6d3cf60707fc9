"""The record of a drill."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hadeploy.desired.desired_node import DesiredNode
from hadeploy.drill.verdict import Result
from hadeploy.inventory.cluster import Cluster
from hadeploy.support.redact import Redactor


@dataclass(frozen=True)
class Setting:
    """The tested cluster and the conditions of a drill.

    Attributes:
        cluster: the inventory.
        desired: the verified state of the nodes, by label.
        versions: the versions on the nodes, by label and program.
        at: the start of the drill, in seconds since the epoch.
        max_outage: the longest allowed outage in seconds, or None.
    """

    cluster: Cluster
    desired: Mapping[str, DesiredNode]
    versions: Mapping[str, Mapping[str, str]]
    at: float
    max_outage: float | None


@dataclass
class DrillRecord:
    """The record of a drill; each completed round is added.

    Attributes:
        setting: the tested cluster and the conditions.
        redactor: removes the secrets of the cluster from texts.
        results: the completed rounds.
        complete: whether the drill is complete.
    """

    setting: Setting
    redactor: Redactor
    results: list[Result] = field(default_factory=list)
    complete: bool = False
