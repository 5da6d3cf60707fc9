"""What a drill came to, as people read it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from statistics import median

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hadeploy.drill.model import How, Probing
from hadeploy.drill.verdict import Result
from hadeploy.ui.render import VERDICTS

HOWS: dict[How, str] = {
    "tls": "TLS handshakes",
    "http": "requests",
    "connect": "connections; no backend answers",
}
NOTHING = "-"


def rounds_picture(results: Sequence[Result]) -> RenderableType:
    """A row for each round, and where there are several of a scenario, the median and the worst."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for head in (
        "",
        "scenario",
        "broken on",
        "VIP",
        "noticed",
        "taken over",
        "no answer",
        "failed",
    ):
        table.add_column(head, overflow="fold")
    for result in results:
        seen = result.figures
        mark, style = VERDICTS["fail" if result.problems else "pass"]
        table.add_row(
            Text(mark, style),
            result.round.scenario,
            ", ".join(result.round.victims),
            f"{result.round.holder} → {seen.successor}" if seen.successor else "stayed",
            seconds(seen.detected) if seen.moved else NOTHING,
            seconds(seen.taken_over),
            seconds(seen.outage),
            f"{seen.failed} of {seen.requests}" if result.round.probing else NOTHING,
        )
    notes = [_asked(probing) for probing in dict.fromkeys(r.round.probing for r in results)]
    wrong = [
        Text(f"{result.round.scenario} on {', '.join(result.round.victims)}: {problem}", "red")
        for result in results
        for problem in result.problems
    ]
    return Group(table, *_medians(results), *notes, *wrong)


def seconds(value: float | None) -> str:
    """A duration for people.

    Args:
        value: in seconds; None if there is none.
    """
    return NOTHING if value is None else f"{value:.2f} s"


def _medians(results: Sequence[Result]) -> list[Text]:
    told = []
    for scenario, alike in itertools.groupby(results, lambda result: result.round.scenario):
        gaps = [r.figures.outage for r in alike if r.figures.outage is not None and r.figures.moved]
        if len(gaps) > 1:
            told.append(
                Text(
                    f"{scenario}, {len(gaps)} times: without an answer for {median(gaps):.2f} s "
                    f"(median), {max(gaps):.2f} s (worst)"
                )
            )
    return told


def _asked(probing: Probing | None) -> Text:
    if probing is None:
        return Text("Nobody could ask through the VIP, so there is no outage to tell.", "yellow")
    where = "this machine" if probing.source == "here" else probing.source
    return Text(f"Asked from {where}, {probing.rate:g} a second ({HOWS[probing.how]}).", "dim")
