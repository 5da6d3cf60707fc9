"""A finding: one check on one node, and how it came out."""

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
    """How one check came out on one node.

    Attributes:
        check: its stable id.
        node: the node's label, or None for what concerns the cluster or this machine.
        verdict: warn is told, and stops nothing.
        message: what was seen, one sentence.
        fix: what to do about it.
        detail: what a program said, word for word.
        operation: what was being done, for an error.
        code: what a command ends with that this stops.
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
        """The same as what stops a plan."""
        return HadeployError(
            self.message,
            node=self.node,
            operation=self.operation,
            hint=self.fix,
            detail=self.detail,
            code=self.code,
        )


def failures(findings: list[Finding]) -> list[Finding]:
    """Those that stop a plan."""
    return [finding for finding in findings if finding.verdict == "fail"]


@dataclass(frozen=True)
class CheckContext:
    """All that the checks of one run see.

    Attributes:
        observed: by node label; nodes that could not be reached are left out.
        adopt: whether a cluster that was set up by hand is taken over.
        archives: by role, of the images that some node lacks; what is not there was not looked at.
        forget: addresses of former nodes that the user says are gone.
        pruned: addresses of former nodes that this run stops.
        departing: hardware addresses of those that were observed.
        asked: by node label and reference, what the registries said of images.
        becoming: by node label, how scripts become root there, in words.
        certificates: of the backends; of none, if they were not read.
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
        """Every node that was observed, in the inventory's order."""
        return [
            (node, self.observed[node.label])
            for node in self.cluster.nodes
            if node.label in self.observed
        ]


@dataclass(frozen=True)
class Answered:
    """What was asked beside the look at the nodes.

    Attributes:
        registries: by node label and reference, what they said of images.
        certificates: of backends.
    """

    registries: Mapping[str, Mapping[str, Asked]] = field(default_factory=dict)
    certificates: Certificates = field(default_factory=Certificates)


NOT_ASKED = Answered()
