"""A check: what its documentation says, and the functions that make it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from hadeploy.check.model import CheckContext, Finding
from hadeploy.inventory.model import Node
from hadeploy.observe.model import ObservedNode

NodeCheck = Callable[[CheckContext, Node, ObservedNode], Iterator[Finding]]
ClusterCheck = Callable[[CheckContext], Iterator[Finding]]


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
        thorough: whether only `check` makes it, and `up` where nothing of ours was applied or where
            the plan could make it fail (check/needed.py).
        for_nodes: functions that judge one node.
        for_clusters: functions that judge all nodes, or this machine.
    """

    id: str
    title: str
    proves: str
    fix: str
    essential: bool = False
    thorough: bool = False
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
