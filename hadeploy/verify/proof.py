"""A proof: one thing that must be true of a cluster, and whether it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Verdict = Literal["pass", "warn", "fail"]


@dataclass(frozen=True)
class Proof:
    """One proof and how it came out.

    Attributes:
        name: a stable id: container-running, vip-held-once, ...
        verdict: warn is told, and does not fail the run.
        message: what was seen, one sentence.
        node: the node it concerns, or None for the cluster.
        hint: what to do if it failed.
        brief: a word for a table.
        follows: whether it fails because a container of that node does not run, which is a proof of
            its own; people need not read it.
        lasting: whether waiting does not mend it, where it failed.
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
    """Those that failed."""
    return [p for p in proofs if p.verdict == "fail"]
