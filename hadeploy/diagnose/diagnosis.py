"""A diagnosis: the cause of a failed proof, the evidence, and the fix."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hadeploy.desired.desired_node import DesiredNode
from hadeploy.desired.roles import ROLES, Role
from hadeploy.errors import HadeployError
from hadeploy.inventory.cluster import Cluster, Node
from hadeploy.observe.container import ObservedContainer
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.observe.vrrp import Diagnostics
from hadeploy.verify.proof import Proof


@dataclass(frozen=True)
class Diagnosis:
    """One recognised cause.

    Attributes:
        cause: its stable id.
        nodes: labels of the nodes that need the fix; empty if it concerns no single node.
        message: the cause, in one sentence.
        fix: the action for the user.
        evidence: lines that show the cause.
        role: the program concerned, or None.
    """

    cause: str
    nodes: tuple[str, ...]
    message: str
    fix: str
    evidence: tuple[str, ...] = ()
    role: Role | None = None

    def document(self) -> dict[str, Any]:
        """The diagnosis in machine-readable results."""
        return {
            "cause": self.cause,
            "nodes": list(self.nodes),
            "message": self.message,
            "evidence": list(self.evidence),
            "fix": self.fix,
        }


@dataclass(frozen=True)
class DiagnosisContext:
    """The inputs of a diagnosis.

    Attributes:
        desired: by node label.
        observed: by node label, without unreachable nodes.
        proofs: the proofs of that observation.
        evidence: a second observation, by node label; may be incomplete.
        unreachable: the connection errors, by node label.
    """

    cluster: Cluster
    desired: Mapping[str, DesiredNode]
    observed: Mapping[str, ObservedNode]
    proofs: list[Proof]
    evidence: Mapping[str, Diagnostics] = field(default_factory=dict)
    unreachable: Mapping[str, HadeployError] = field(default_factory=dict)

    @property
    def nodes(self) -> Iterator[tuple[Node, ObservedNode]]:
        """Every observed node, in the order of the inventory."""
        for node in self.cluster.nodes:
            if node.label in self.observed:
                yield node, self.observed[node.label]

    @property
    def programs(self) -> Iterator[tuple[Node, ObservedNode, Role, ObservedContainer | None]]:
        """The two containers of every observed node; None for a missing container."""
        for node, state in self.nodes:
            for role, name in zip(ROLES, self.cluster.container_names, strict=True):
                yield node, state, role, state.container(name)

    def fails(self, proof: str, node: str | None) -> bool:
        """Whether that proof of that node failed."""
        return any((p.name, p.node, p.verdict) == (proof, node, "fail") for p in self.proofs)

    def diagnostics(self, node: str) -> Diagnostics:
        """The second observation of that node, which may be empty."""
        return self.evidence.get(node, Diagnostics())

    def holders(self, vip: str) -> list[str]:
        """Labels of the nodes that have that VIP."""
        return [node.label for node, state in self.nodes if state.holds(vip)]

    def label(self, address: str) -> str:
        """The node of that address, or the address itself."""
        return next((n.label for n in self.cluster.nodes if str(n.address) == address), address)
