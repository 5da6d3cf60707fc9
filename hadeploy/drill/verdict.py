"""The verdict on a round. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hadeploy.drill.metrics import Metrics, metrics_of
from hadeploy.drill.round import Round

# Seconds for which two nodes may have the VIP: a holder announces a handover before it removes the
# address.
OVERLAP_SECONDS = 0.5


@dataclass(frozen=True)
class Result:
    """A round, its metrics and its problems; a round without problems has passed."""

    round: Round
    metrics: Metrics
    problems: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """The result as `drill[]` of docs/json.md."""
        metrics = self.metrics
        return {
            "scenario": self.round.scenario.name,
            "victims": list(self.round.victims),
            "holder": self.round.holder,
            "successor": metrics.successor,
            "detected": metrics.detected,
            "taken_over": metrics.taken_over,
            "outage": metrics.outage,
            "failed": metrics.failed,
            "requests": metrics.requests,
            "asked_from": self.round.probing.source if self.round.probing else None,
            "asked_how": self.round.probing.kind if self.round.probing else None,
            "failed_back": metrics.failed_back,
            "double": metrics.double,
            "problems": list(self.problems),
            "events": [
                {
                    "at": round(event.at - metrics.began, 6),
                    "node": event.node,
                    "kind": event.kind,
                    "what": event.what,
                }
                for event in self.round.events
                if event.kind != "log"
            ],
        }


def result_of(round_: Round, max_outage: float | None) -> Result:
    """Compute the verdict on a round.

    Args:
        round_: the round.
        max_outage: the longest allowed outage in seconds, or None.
    """
    metrics = metrics_of(round_)
    return Result(round_, metrics, tuple(problems(round_, metrics, max_outage)))


def problems(round_: Round, metrics: Metrics, max_outage: float | None) -> list[str]:
    """The problems of a round; empty if it has passed.

    Args:
        round_: the round.
        metrics: its metrics.
        max_outage: the longest allowed outage in seconds, or None.
    """
    found: list[str] = []
    if metrics.moved and metrics.taken_over is None:
        found.append("no node took over the VIP")
    elif round_.scenario.until_repaired and (
        broken := set(metrics.holders_at_repair) & set(round_.victims)
    ):
        found.append(f"the VIP was on {' and '.join(sorted(broken))} during its failure")
    if not metrics.moved and metrics.taken_over is not None:
        found.append("the VIP moved, but its holder had no failure")
    if metrics.double > OVERLAP_SECONDS and not round_.scenario.leaves_vip:
        found.append(f"{metrics.double:.2f} s with the VIP on two nodes")
    if not round_.healthy:
        found.append("the cluster did not recover")
    if max_outage is not None and metrics.outage is None:
        found.append("no request could be sent to the VIP, so the outage was not measured")
    elif max_outage is not None and metrics.outage is not None and metrics.outage > max_outage:
        found.append(f"{metrics.outage:.2f} s without an answer; the limit is {max_outage:g} s")
    return found
