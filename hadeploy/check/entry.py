"""A check: what its documentation says, and the functions that make it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from hadeploy.check.finding import CheckContext, Finding
from hadeploy.inventory.cluster import Node
from hadeploy.observe.observed_node import ObservedNode

NodeCheck = Callable[[CheckContext, Node, ObservedNode], Iterator[Finding]]
ClusterCheck = Callable[[CheckContext], Iterator[Finding]]
# A change that can make a check fail that passed before.
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
    """One check.

    It stands beside its functions, which it decorates; their module is in `MODULES` of
    all_checks.py.

    Attributes:
        id: stable; `--skip` and `--json` use it.
        title: for a table.
        proves: what is true if it passes.
        fix: what to do if it does not.
        essential: whether nothing at all can be planned without it; then `plan` and `up` do not
            let it be skipped.
        thorough: its facts are observed only by `check`, by a first `up`, and by an `up` with a
            change of `again_after`. This is for the document; the code for it is
            `thorough || return 0` in tasks/observe/preflight.sh.
        again_after: changes that make `up` observe these facts and check again.
        for_nodes: functions that judge one node.
        for_clusters: functions that judge all nodes, or this machine.
    """

    id: str
    title: str
    proves: str
    fix: str
    essential: bool = False
    thorough: bool = False
    again_after: frozenset[Change] = frozenset()
    for_nodes: list[NodeCheck] = field(default_factory=list, init=False)
    for_clusters: list[ClusterCheck] = field(default_factory=list, init=False)

    def of_node(self, function: NodeCheck) -> NodeCheck:
        """Decorate a function that judges one node."""
        self.for_nodes.append(function)
        return function

    def of_cluster(self, function: ClusterCheck) -> ClusterCheck:
        """Decorate a function that judges all nodes, or this machine."""
        self.for_clusters.append(function)
        return function
