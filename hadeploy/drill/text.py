"""The results of a drill as texts, for the terminal and for the report. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from statistics import median

from hadeploy.drill.metrics import Metrics
from hadeploy.drill.round import Probing, RequestKind
from hadeploy.drill.verdict import Result

COLUMNS = ("scenario", "failure on", "VIP", "detected", "taken over", "outage", "failed")
REQUEST_KINDS: dict[RequestKind, str] = {
    "tls": "TLS handshakes",
    "http": "requests",
    "connect": "connections; no backend answers",
}
NOTHING = "-"
# The clocks of the nodes are not known precisely enough for a shorter time.
MIN_DOUBLE_SECONDS = 0.1


def cells(result: Result) -> tuple[str, ...]:
    """The table row of a round, with the cells of COLUMNS."""
    round_, metrics = result.round, result.metrics
    return (
        round_.scenario.name,
        ", ".join(round_.victims),
        _vip_path(round_.holder, metrics),
        seconds(metrics.detected) if metrics.moved else NOTHING,
        seconds(metrics.taken_over),
        seconds(metrics.outage),
        f"{metrics.failed} of {metrics.requests}" if round_.probing else NOTHING,
    )


def seconds(value: float | None) -> str:
    """A duration in seconds as text; None: no duration."""
    return NOTHING if value is None else f"{value:.2f} s"


def title(result: Result) -> str:
    """The scenario and the victims of a round."""
    return f"{result.round.scenario.name} on {', '.join(result.round.victims)}"


def summary(result: Result) -> str:
    """What happened in a round, in a few sentences."""
    round_, metrics = result.round, result.metrics
    if metrics.successor == round_.holder:
        moved = f"{round_.holder} bound the VIP again after {seconds(metrics.taken_over)}."
    elif metrics.successor:
        moved = (
            f"The VIP moved from {round_.holder} to {metrics.successor} "
            f"{seconds(metrics.taken_over)} after the start of the failure."
        )
    else:
        moved = f"The VIP stayed on {round_.holder}."
    if metrics.failed_back and metrics.successor not in (None, round_.holder):
        moved += f" It returned to {round_.holder}."
    if metrics.double >= MIN_DOUBLE_SECONDS:
        moved += f" Two nodes had it for {seconds(metrics.double)}."
    if metrics.outage is None:
        return f"{moved} No request could be sent to the VIP."
    failed = f"{metrics.failed} of {metrics.requests} requests failed"
    return f"{moved} {failed}; the longest time without an answer was {seconds(metrics.outage)}."


def medians(results: Sequence[Result]) -> list[str]:
    """The median and the worst outage of each scenario in which the VIP moved several times."""
    lines = []
    for scenario, group in itertools.groupby(results, lambda result: result.round.scenario.name):
        outages = [
            result.metrics.outage
            for result in group
            if result.metrics.outage is not None and result.metrics.moved
        ]
        if len(outages) > 1:
            lines.append(
                f"{scenario}, {len(outages)} rounds: outage {median(outages):.2f} s (median), "
                f"{max(outages):.2f} s (worst)"
            )
    return lines


def request_sources(results: Sequence[Result]) -> list[str]:
    """The senders and kinds of the requests, without duplicates."""
    return [_request_source(probing) for probing in dict.fromkeys(r.round.probing for r in results)]


def double_holders(results: Sequence[Result]) -> list[str]:
    """Rounds in which two nodes had the VIP at a time, which is expected in their scenario."""
    return [
        f"{title(result)}: two nodes had the VIP for {seconds(result.metrics.double)}"
        for result in results
        if result.round.scenario.leaves_vip and result.metrics.double >= MIN_DOUBLE_SECONDS
    ]


def problems(results: Sequence[Result]) -> list[str]:
    """The problems of all rounds."""
    return [f"{title(result)}: {problem}" for result in results for problem in result.problems]


def _vip_path(holder: str, metrics: Metrics) -> str:
    """The nodes that had the VIP, in order."""
    if metrics.successor is None:
        return "stayed"
    return " → ".join([holder, *metrics.vip_path])


def _request_source(probing: Probing | None) -> str:
    if probing is None:
        return "No request could be sent to the VIP, so no outage was measured."
    source = "this machine" if probing.source == "here" else probing.source
    kind = REQUEST_KINDS[probing.kind]
    return f"Requests from {source}, {probing.rate:g} per second ({kind})."
