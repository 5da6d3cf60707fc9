"""The report of a drill as one self-contained HTML page. Pure."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import jinja2

from hadeploy import __version__
from hadeploy.desired import layout
from hadeploy.desired.desired_node import DesiredNode
from hadeploy.drill.excerpt import excerpt
from hadeploy.drill.record import DrillRecord, Setting
from hadeploy.drill.svg import svg
from hadeploy.drill.text import (
    COLUMNS,
    cells,
    double_holders,
    medians,
    request_sources,
    seconds,
    summary,
    title,
)
from hadeploy.drill.timeline import timeline
from hadeploy.drill.verdict import Result
from hadeploy.scripts.lines import clean
from hadeploy.support.redact import Redactor
from hadeploy.ui.console import without_control

# Each drawn round adds about 50 kB to the page.
MAX_DRAWN = 24
CONFIGURATIONS = (layout.HAPROXY_CFG, layout.KEEPALIVED_CONF)


def report(record: DrillRecord) -> str:
    """The page for a record with at least one round."""
    setting, results, redactor = record.setting, record.results, record.redactor
    jinja = jinja2.Environment(
        loader=jinja2.PackageLoader("hadeploy.drill", ""),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    drawn = _drawn(results)
    outages = [r.metrics.outage for r in results if r.metrics.outage is not None]
    page = jinja.get_template("report.html.j2").render(
        setting=setting,
        version=__version__,
        at=time.strftime("%-d %B %Y, %H:%M UTC", time.gmtime(setting.at)),
        complete=record.complete,
        passed=sum(1 for result in results if not result.problems),
        results=results,
        worst=seconds(max(outages, default=None)),
        failed=sum(result.metrics.failed for result in results),
        requests=sum(result.metrics.requests for result in results),
        columns=COLUMNS,
        cells=cells,
        notes=[*medians(results), *double_holders(results), *request_sources(results)],
        rounds=[_round(setting, result, n, redactor) for n, result in drawn],
        programs=list(dict.fromkeys(name for found in setting.versions.values() for name in found)),
        images=list(dict.fromkeys(c.image for d in setting.desired.values() for c in d.containers)),
        configurations=list(_configurations(setting.desired, redactor)),
    )
    # The page may be printed on a terminal.
    return without_control(page)


def _drawn(results: Sequence[Result]) -> list[tuple[int, Result]]:
    """The rounds to draw, with their numbers; of many rounds, the failed and the slowest."""
    numbered = list(enumerate(results, 1))
    numbered.sort(key=lambda pair: (not pair[1].problems, -(pair[1].metrics.outage or 0.0)))
    return sorted(numbered[:MAX_DRAWN], key=lambda pair: pair[0])


def _round(setting: Setting, result: Result, number: int, redactor: Redactor) -> dict[str, Any]:
    round_, metrics = result.round, result.metrics
    shown = timeline(round_, metrics, setting.cluster)
    lines, more = excerpt(round_, shown, metrics.began)
    errors = Counter(clean(redactor.text(r.error)) for r in round_.requests if r.error)
    return {
        "number": number,
        "title": title(result),
        "summary": summary(result),
        "description": round_.scenario.description,
        "problems": result.problems,
        "picture": svg(shown, f"round-{number}", title(result), summary(result)),
        "errors": errors.most_common(),
        "lines": [(line, redactor.text(line.text)) for line in lines],
        "more": more,
    }


def _configurations(
    desired: Mapping[str, DesiredNode], redactor: Redactor
) -> Iterable[tuple[str, str, str]]:
    """Path, nodes and text; nodes with the same text are listed together."""
    for path in CONFIGURATIONS:
        nodes: dict[str, list[str]] = {}
        for node, state in desired.items():
            nodes.setdefault(redactor.text(state.file(path).content), []).append(node)
        yield from ((path, ", ".join(labels), text) for text, labels in nodes.items())
