"""Whether a round was passed. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hadeploy.drill.metrics import figures
from hadeploy.drill.trial import Figures, Round

# Seconds for which two nodes may have the VIP: one that gives it up says so before it does.
OVERLAP_SECONDS = 0.5


@dataclass(frozen=True)
class Result:
    """A round, its figures, and what was not as it must be; empty if it was passed."""

    round: Round
    figures: Figures
    problems: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """The result in machine-readable results."""
        seen = self.figures
        return {
            "scenario": self.round.scenario.name,
            "victims": list(self.round.victims),
            "holder": self.round.holder,
            "successor": seen.successor,
            "detected": seen.detected,
            "taken_over": seen.taken_over,
            "outage": seen.outage,
            "failed": seen.failed,
            "requests": seen.requests,
            "asked_from": self.round.probing.source if self.round.probing else None,
            "asked_how": self.round.probing.how if self.round.probing else None,
            "failed_back": seen.failed_back,
            "double": seen.double,
            "problems": list(self.problems),
            "events": [
                {
                    "at": round(event.at - seen.began, 6),
                    "node": event.node,
                    "kind": event.kind,
                    "what": event.what,
                }
                for event in self.round.events
                if event.kind != "log"
            ],
        }


def result_of(round_: Round, max_outage: float | None) -> Result:
    """Judge a round.

    Args:
        round_: what happened.
        max_outage: seconds without an answer that the user allows, or None.
    """
    seen = figures(round_)
    return Result(round_, seen, tuple(problems(round_, seen, max_outage)))


def problems(round_: Round, seen: Figures, max_outage: float | None) -> list[str]:
    """What was not as it must be, in sentences; empty if the round was passed.

    Args:
        round_: what happened.
        seen: its figures.
        max_outage: seconds without an answer that the user allows, or None.
    """
    found: list[str] = []
    if seen.moved and seen.taken_over is None:
        found.append("no node took over the VIP")
    elif round_.scenario.lasting and (sick := set(seen.left) & set(round_.victims)):
        found.append(f"the VIP was on {' and '.join(sorted(sick))}, which was broken")
    if not seen.moved and seen.taken_over is not None:
        found.append("the VIP moved, though its holder was not touched")
    if seen.double > OVERLAP_SECONDS and not round_.scenario.left_behind:
        found.append(f"{seen.double:.2f} s with the VIP on two nodes")
    if not round_.healthy:
        found.append("the cluster was not whole again afterwards")
    if max_outage is not None and seen.outage is None:
        found.append("no request could be sent to the VIP, so the outage was not measured")
    elif max_outage is not None and seen.outage is not None and seen.outage > max_outage:
        found.append(f"{seen.outage:.2f} s without an answer; allowed are {max_outage:g} s")
    return found
