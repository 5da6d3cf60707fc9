"""What was promised, as data, and whether it was kept; pure."""

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
    """One promise.

    Args:
        words: for people.
        top: its median is looked at.
        bottom: over this one's; None: the seconds themselves.
        most: it is at most that.
        least: it is at least that.
    """

    words: str
    top: Key
    bottom: Key | None = None
    most: float = float("inf")
    least: float = 0.0


@dataclass(frozen=True)
class Judged:
    """A promise, and what came of it.

    Args:
        words: the promise.
        found: what was measured, for people; "" if it was not.
        kept: whether it was; None if it was not measured.
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
    """What came of each promise.

    Args:
        samples: what was measured.
        budgets: what was promised.
    """
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
    """A promise about a single figure.

    Args:
        words: the promise.
        found: the figure; None if it was not measured.
        most: what it may be.
        shown: the figure for people.
    """
    return Judged(words, "" if found is None else shown, None if found is None else found <= most)
