"""A finding: the result of one check on one node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hadeploy.certificates.certificate import Certificates
from hadeploy.check.archive import Archive
from hadeploy.check.registry import Asked
from hadeploy.errors import ExitCode, HadeployError
from hadeploy.inventory.cluster import Cluster, Node
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.verify.proof import Verdict


@dataclass(frozen=True)
class Finding:
    """The result of one check on one node.

    Attributes:
        check: its stable id.
        node: the node's label, or None for the cluster or this machine.
        verdict: `warn` is reported but does not stop a run.
        message: the facts, in one sentence.
        fix: the action for the user, on this node.
        detail: the output of a program, word for word.
        operation: the operation, for an error.
        code: the exit code of a command that this finding stops.
    """

    check: str
    node: str | None
    verdict: Verdict
    message: str
    fix: str | None = None
    detail: str | None = field(default=None, compare=False)
    operation: str = "checking the node"
    code: ExitCode = ExitCode.UNREACHABLE

    def document(self) -> dict[str, Any]:
        """The finding in machine-readable results."""
        return {
            "id": self.check,
            "node": self.node,
            "verdict": self.verdict,
            "message": self.message,
            "fix": self.fix,
        }

    def error(self) -> HadeployError:
        """The error of a failed check, which stops a plan."""
        return HadeployError(
            self.message,
            node=self.node,
            operation=self.operation,
            hint=self.fix,
            detail=self.detail,
            code=self.code,
        )


def failures(findings: list[Finding]) -> list[Finding]:
    """The findings that stop a plan."""
    return [finding for finding in findings if finding.verdict == "fail"]


@dataclass(frozen=True)
class CheckContext:
    """The inputs of the checks.

    Attributes:
        observed: by node label, without unreachable nodes.
        adopt: whether a cluster that was set up by hand is taken over.
        archives: by role, for images that a node lacks; others are not read.
        forget: addresses of former nodes that are gone for good (`--forget`).
        pruned: addresses of former nodes that this run stops.
        departing: hardware addresses of those nodes, if observed.
        asked: the answers of registries, by node label and reference.
        becoming: how scripts become root, by node label, as a phrase.
        certificates: the certificates of backends; empty if they were not read.
    """

    cluster: Cluster
    observed: Mapping[str, ObservedNode]
    adopt: bool = False
    archives: Mapping[str, Archive] = field(default_factory=dict)
    forget: tuple[str, ...] = ()
    asked: Mapping[str, Mapping[str, Asked]] = field(default_factory=dict)
    becoming: Mapping[str, str] = field(default_factory=dict)
    certificates: Certificates = field(default_factory=Certificates)
    pruned: tuple[str, ...] = ()
    departing: frozenset[str] = frozenset()

    @property
    def nodes(self) -> list[tuple[Node, ObservedNode]]:
        """Every observed node, in the order of the inventory."""
        return [
            (node, self.observed[node.label])
            for node in self.cluster.nodes
            if node.label in self.observed
        ]


@dataclass(frozen=True)
class Answered:
    """Facts from other sources than the observation of the nodes.

    Attributes:
        registries: the answers of registries, by node label and reference.
        certificates: the certificates of backends.
    """

    registries: Mapping[str, Mapping[str, Asked]] = field(default_factory=dict)
    certificates: Certificates = field(default_factory=Certificates)


NOT_ASKED = Answered()
