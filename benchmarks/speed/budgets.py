"""The performance budgets as data, and whether they are met. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.speed.samples import (
    ANSIBLE,
    CHANGE,
    FRESH,
    HADEPLOY,
    HELP,
    NOTHING,
    OWN,
    PLAN,
    PYINFRA,
    SSH,
    STATUS,
    VERSION,
    Key,
    Samples,
)

_FLOOR = Key(NOTHING, SSH)


@dataclass(frozen=True)
class Budget:
    """A budget.

    Args:
        words: its description.
        top: whose median is limited.
        bottom: divides the median by this one's; None for seconds.
        most: the maximum.
        least: the minimum.
    """

    words: str
    top: Key
    bottom: Key | None = None
    most: float = float("inf")
    least: float = 0.0


@dataclass(frozen=True)
class Judged:
    """A budget and its result.

    Args:
        words: the budget.
        found: the measured value as text, or "".
        kept: whether it is met; None if it was not measured.
    """

    words: str
    found: str
    kept: bool | None


def _faster(what: str, other: str, times: float = 1.0) -> Budget:
    by = f"{times:g} times faster" if times > 1 else "faster"
    operation = f"`up`, {what}: {by} than {other}"
    # A tie is not faster.
    least = times if times > 1 else times + 1e-9
    return Budget(operation, Key(what, other), Key(what, HADEPLOY), least=least)


BUDGETS = (
    Budget("`up`, nothing to do: ≤ 1.6 times raw ssh", Key(NOTHING, HADEPLOY), _FLOOR, most=1.6),
    _faster(NOTHING, PYINFRA, 3),
    _faster(NOTHING, ANSIBLE, 6),
    Budget("`plan`: ≤ 1.5 times raw ssh", Key(PLAN, HADEPLOY), _FLOOR, most=1.5),
    Budget("`status`: ≤ 1.5 times raw ssh", Key(STATUS, HADEPLOY), _FLOOR, most=1.5),
    _faster(CHANGE, PYINFRA),
    _faster(FRESH, PYINFRA),
    Budget(
        "`up`, fresh, but for VRRP's own wait: faster than pyinfra, which does not wait for it",
        Key(FRESH, PYINFRA),
        Key(OWN, HADEPLOY),
        least=1 + 1e-9,
    ),
    Budget("`--help`: < 150 ms", Key(HELP, HADEPLOY), most=0.150),
    Budget("`--version`: < 80 ms", Key(VERSION, HADEPLOY), most=0.080),
)


def judged(samples: Samples, budgets: Sequence[Budget] = BUDGETS) -> list[Judged]:
    """The result of each budget."""
    return [_judge(samples, budget) for budget in budgets]


def _judge(samples: Samples, budget: Budget) -> Judged:
    if budget.bottom is None:
        found = samples.median(budget.top) if budget.top in samples else None
        shown = "" if found is None else f"{found * 1000:.0f} ms"
    else:
        found = samples.ratio(budget.top, budget.bottom)
        shown = "" if found is None else f"{found:.2f} times"
    kept = None if found is None else budget.least <= found <= budget.most
    return Judged(budget.words, shown, kept)


def limit(words: str, found: float | None, most: float, shown: str) -> Judged:
    """The result of a budget for a single figure.

    Args:
        words: the budget.
        found: the figure; None if it was not measured.
        most: the maximum.
        shown: the figure as text.
    """
    return Judged(words, "" if found is None else shown, None if found is None else found <= most)
