"""A proof: a test of a property that a cluster must have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Verdict = Literal["pass", "warn", "fail"]


@dataclass(frozen=True)
class Proof:
    """The result of a proof.

    Attributes:
        name: a stable id: container-running, vip-held-once, ...
        verdict: warn does not fail the run.
        message: one sentence.
        node: its label, or None for a proof of the cluster.
        hint: what to do if it failed.
        brief: a word for a table.
        follows: whether it only fails because a container of that node does not run, which has its
            own proof.
        lasting: whether the failure will not disappear by waiting.
    """

    name: str
    verdict: Verdict
    message: str
    node: str | None = None
    hint: str | None = None
    brief: str = ""
    follows: bool = False
    lasting: bool = False

    def document(self) -> dict[str, Any]:
        """The proof in machine-readable results."""
        return {
            "proof": self.name,
            "verdict": self.verdict,
            "node": self.node,
            "message": self.message,
            "hint": self.hint,
        }


def failed(proofs: list[Proof]) -> list[Proof]:
    """The failed proofs."""
    return [p for p in proofs if p.verdict == "fail"]
