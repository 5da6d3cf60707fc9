"""The results as Markdown. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.speed.budgets import Judged
from benchmarks.speed.samples import (
    ANSIBLE,
    CHANGE,
    FRESH,
    HADEPLOY,
    HELP,
    NOTHING,
    PASS,
    PYINFRA,
    PYTHON,
    SSH,
    VERSION,
    Key,
    Samples,
    fitted,
)

_FLOOR = Key(NOTHING, SSH)


def table(head: Sequence[str], rows: Sequence[Sequence[str]], left: int = 2) -> list[str]:
    """A table as lines.

    Args:
        head: the names of the columns.
        rows: their cells.
        left: the number of text columns; the others are figures.
    """
    rule = ["---" if number < left else "--:" for number in range(len(head))]
    lines = ["| " + " | ".join(head) + " |", "|" + "|".join(rule) + "|"]
    return lines + ["| " + " | ".join(cells) + " |" for cells in rows]


def times_table(samples: Samples) -> list[str]:
    """All measured rows, compared with the reference and with hadeploy.

    Args:
        samples: by operation and tool.
    """
    rows = []
    for key in samples.runs:
        floor = Key(PASS, PYTHON) if key.what in (HELP, VERSION, PASS) else _FLOOR
        rows.append(
            (
                key.what,
                key.tool,
                str(len(samples.runs[key])),
                duration(samples.median(key)),
                spread(samples.seconds(key)),
                _times(samples.ratio(key, floor)),
                _times(samples.ratio(key, Key(key.what, HADEPLOY))),
                duration(cpu) if (cpu := samples.cpu(key)) is not None else "",
            )
        )
    names = ("what", "with", "runs", "median", "min..max", "÷ raw", "÷ hadeploy", "CPU here")
    return table(names, rows)


def budget_table(judgements: Sequence[Judged]) -> list[str]:
    """All measured budgets, and whether they are met."""
    words = {True: "kept", False: "**missed**"}
    rows = [(j.words, j.found, words[j.kept]) for j in judgements if j.kept is not None]
    return table(("budget", "measured", ""), rows, left=1)


def delays_table(by_delay: Mapping[float, Samples]) -> list[str]:
    """Times with several delays, and the number of round trips.

    Args:
        by_delay: the samples by additional seconds of a round trip.
    """
    rows = []
    first, *others = by_delay.values()
    for key in first.runs:
        if not all(key in at for at in others):
            continue
        points = [(delay, run) for delay, at in by_delay.items() for run in at.seconds(key)]
        medians = [duration(at.median(key)) for at in by_delay.values()]
        rows.append((key.what, key.tool, *medians, f"{fitted(points).slope:.1f}"))
    names = [f"+{delay * 1000:g} ms" for delay in by_delay]
    return table(("what", "with", *names, "round trips"), rows)


def in_short(samples: Samples) -> str:
    """One sentence with ratios; "" if one of them was not measured.

    Args:
        samples: by operation and tool.
    """
    own = {what: Key(what, HADEPLOY) for what in (NOTHING, CHANGE, FRESH)}
    floor = samples.ratio(own[NOTHING], _FLOOR)
    ratios = {
        (what, tool): samples.ratio(Key(what, tool), own[what])
        for what in own
        for tool in (PYINFRA, ANSIBLE)
    }
    if floor is None or None in ratios.values():
        return ""
    r = {key: f"{value:.1f} times" for key, value in ratios.items()}
    return (
        f"An `up` without changes, including its proofs, takes {floor:.1f} times as long as raw "
        f"`ssh` that only observes the nodes. For the same job, pyinfra takes "
        f"{r[NOTHING, PYINFRA]} as long as hadeploy without changes, "
        f"{r[CHANGE, PYINFRA]} for a changed configuration and {r[FRESH, PYINFRA]} for a fresh "
        f"cluster; Ansible takes {r[NOTHING, ANSIBLE]}, {r[CHANGE, ANSIBLE]} and "
        f"{r[FRESH, ANSIBLE]}. Neither tool validates, performs a rolling change, or verifies the "
        f"result."
    )


def duration(seconds: float) -> str:
    """Seconds as text."""
    return f"{seconds * 1000:.0f} ms" if seconds < 0.995 else f"{seconds:.2f} s"


def spread(seconds: Sequence[float]) -> str:
    """The minimum and the maximum, in one unit."""
    if max(seconds) < 0.995:
        return f"{min(seconds) * 1000:.0f}..{max(seconds) * 1000:.0f} ms"
    return f"{min(seconds):.2f}..{max(seconds):.2f} s"


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f}"
