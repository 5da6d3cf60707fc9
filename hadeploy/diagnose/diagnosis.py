"""A diagnosis: why a proof failed, how that is seen, and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hadeploy.desired.desired_node import DesiredNode, Role
from hadeploy.errors import HadeployError
from hadeploy.inventory.cluster import Cluster, Node
from hadeploy.observe.observed_node import ObservedContainer, ObservedNode
from hadeploy.observe.vrrp import Diagnostics
from hadeploy.verify.proof import Proof


@dataclass(frozen=True)
class Diagnosis:
    """One cause that was recognised.

    Attributes:
        cause: its stable id.
        nodes: labels of those where something is to be done; empty for what concerns no single one.
        message: why, one sentence.
        fix: what to do.
        evidence: what it was recognised by, a line each.
        role: the program that it concerns, where it concerns one of them.
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
    """All that a diagnosis is made from.

    Attributes:
        desired: by node label.
        observed: by node label; nodes that could not be reached are left out.
        proofs: of the same look.
        evidence: by node label; what there is of a second look.
        unreachable: why, by node label.
    """

    cluster: Cluster
    desired: Mapping[str, DesiredNode]
    observed: Mapping[str, ObservedNode]
    proofs: list[Proof]
    evidence: Mapping[str, Diagnostics] = field(default_factory=dict)
    unreachable: Mapping[str, HadeployError] = field(default_factory=dict)

    @property
    def nodes(self) -> Iterator[tuple[Node, ObservedNode]]:
        """Every node that was observed, in the inventory's order."""
        for node in self.cluster.nodes:
            if node.label in self.observed:
                yield node, self.observed[node.label]

    @property
    def programs(self) -> Iterator[tuple[Node, ObservedNode, Role, ObservedContainer | None]]:
        """The two containers of every node that was observed; None for one that is not there."""
        roles: tuple[Role, Role] = ("haproxy", "keepalived")
        for node, look in self.nodes:
            for role, name in zip(roles, self.cluster.container_names, strict=True):
                yield node, look, role, look.container(name)

    def fails(self, proof: str, node: str | None) -> bool:
        """Whether that proof of that node failed."""
        return any((p.name, p.node, p.verdict) == (proof, node, "fail") for p in self.proofs)

    def seen(self, node: str) -> Diagnostics:
        """The second look at that node; an empty one if there was none."""
        return self.evidence.get(node, Diagnostics())

    def holders(self, vip: str) -> list[str]:
        """Labels of the nodes that have that VIP."""
        return [node.label for node, look in self.nodes if look.holds(vip)]

    def label(self, address: str) -> str:
        """The node of that address, or the address itself."""
        return next((n.label for n in self.cluster.nodes if str(n.address) == address), address)
