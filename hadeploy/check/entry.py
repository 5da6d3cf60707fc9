"""A check: its documentation, and the functions that evaluate it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from hadeploy.check.finding import CheckContext, Finding
from hadeploy.inventory.cluster import Node
from hadeploy.observe.observed_node import ObservedNode

NodeCheck = Callable[[CheckContext, Node, ObservedNode], Iterator[Finding]]
ClusterCheck = Callable[[CheckContext], Iterator[Finding]]
# A change after which a check may fail.
Change = Literal[
    "image",  # is loaded
    "container",  # is created or recreated
    "haproxy-container",  # the same of haproxy alone
    "traffic",  # of new clients, or of new peers
    "vip",  # that no node has yet
    "virtual-router-id",  # that no node has yet
]


@dataclass(frozen=True, eq=False)
class Check:
    """One check; `MODULES` in all_checks.py lists the modules with checks.

    Attributes:
        id: stable, because `--skip` and `--json` use it.
        title: its name in tables.
        proves: the condition.
        remedy: general advice if it fails; the fix of a finding is for the present case.
        essential: whether a plan is impossible without it; `plan` and `up` cannot skip it.
        thorough: whether only `check`, a first `up`, and an `up` with a change of `again_after`
            observe its facts. This is for the documentation; the code is `thorough || return 0`
            in tasks/observe/preflight.sh.
        again_after: changes after which `up` observes these facts and evaluates it again.
        for_nodes: functions that evaluate one node.
        for_clusters: functions that evaluate all nodes, or this machine.
    """

    id: str
    title: str
    proves: str
    remedy: str
    essential: bool = False
    thorough: bool = False
    again_after: frozenset[Change] = frozenset()
    for_nodes: list[NodeCheck] = field(default_factory=list, init=False)
    for_clusters: list[ClusterCheck] = field(default_factory=list, init=False)

    def of_node(self, function: NodeCheck) -> NodeCheck:
        """Register a function that evaluates one node."""
        self.for_nodes.append(function)
        return function

    def of_cluster(self, function: ClusterCheck) -> ClusterCheck:
        """Register a function that evaluates all nodes, or this machine."""
        self.for_clusters.append(function)
        return function
