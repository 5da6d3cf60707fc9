"""What a round came to in words, for the terminal and for the report. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from statistics import median

from hadeploy.drill.trial import Figures, How, Probing
from hadeploy.drill.verdict import Result

HEADS = ("scenario", "broken on", "VIP", "noticed", "taken over", "no answer", "failed")
HOWS: dict[How, str] = {
    "tls": "TLS handshakes",
    "http": "requests",
    "connect": "connections; no backend answers",
}
NOTHING = "-"
# For a shorter time two nodes may seem to have the VIP, as their clocks are known only so well.
SHOWN_SECONDS = 0.1


def cells(result: Result) -> tuple[str, ...]:
    """A round below HEADS."""
    round_, seen = result.round, result.figures
    return (
        round_.scenario.name,
        ", ".join(round_.victims),
        _way(round_.holder, seen),
        seconds(seen.detected) if seen.moved else NOTHING,
        seconds(seen.taken_over),
        seconds(seen.outage),
        f"{seen.failed} of {seen.requests}" if round_.probing else NOTHING,
    )


def seconds(value: float | None) -> str:
    """A duration for people.

    Args:
        value: in seconds; None if there is none.
    """
    return NOTHING if value is None else f"{value:.2f} s"


def title(result: Result) -> str:
    """What was broken where."""
    return f"{result.round.scenario.name} on {', '.join(result.round.victims)}"


def summary(result: Result) -> str:
    """What became of it, in a sentence or two."""
    round_, seen = result.round, result.figures
    if seen.successor == round_.holder:
        moved = f"{round_.holder} bound the VIP anew after {seconds(seen.taken_over)}."
    elif seen.successor:
        moved = (
            f"{round_.holder} held the VIP; {seen.successor} had it "
            f"{seconds(seen.taken_over)} after the breaking began."
        )
    else:
        moved = f"The VIP stayed on {round_.holder}."
    if seen.failed_back and seen.successor not in (None, round_.holder):
        moved += f" {round_.holder} has it again."
    if seen.double >= SHOWN_SECONDS:
        moved += f" Two nodes had it for {seconds(seen.double)}."
    if seen.outage is None:
        return f"{moved} No request could be sent to the VIP."
    failed = f"{seen.failed} of {seen.requests} requests failed"
    return f"{moved} {failed}; the longest time without an answer was {seconds(seen.outage)}."


def medians(results: Sequence[Result]) -> list[str]:
    """Of each scenario in which the VIP moved several times, the median and the worst outage."""
    told = []
    for scenario, alike in itertools.groupby(results, lambda result: result.round.scenario.name):
        gaps = [r.figures.outage for r in alike if r.figures.outage is not None and r.figures.moved]
        if len(gaps) > 1:
            told.append(
                f"{scenario}, {len(gaps)} times: without an answer for {median(gaps):.2f} s "
                f"(median), {max(gaps):.2f} s (worst)"
            )
    return told


def asked(results: Sequence[Result]) -> list[str]:
    """Who asked through the VIP, and how; each once."""
    return [_asked(probing) for probing in dict.fromkeys(r.round.probing for r in results)]


def twice(results: Sequence[Result]) -> list[str]:
    """Rounds in which two nodes had the VIP at the same time, as their scenario implies."""
    return [
        f"{title(result)}: two nodes had the VIP for {seconds(result.figures.double)}"
        for result in results
        if result.round.scenario.left_behind and result.figures.double >= SHOWN_SECONDS
    ]


def problems(results: Sequence[Result]) -> list[str]:
    """What was not as it must be, with its round."""
    return [f"{title(result)}: {problem}" for result in results for problem in result.problems]


def _way(holder: str, seen: Figures) -> str:
    """Who had the VIP, one after the other."""
    if seen.successor is None:
        return "stayed"
    return " → ".join([holder, *seen.way])


def _asked(probing: Probing | None) -> str:
    if probing is None:
        return "No request could be sent to the VIP, so no outage was measured."
    where = "this machine" if probing.source == "here" else probing.source
    return f"Asked from {where}, {probing.rate:g} a second ({HOWS[probing.how]})."
