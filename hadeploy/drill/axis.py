"""The axis below which a round is drawn. Pure."""

from __future__ import annotations

import math


def ticks(start: float, end: float, most: int) -> list[float]:
    """Round numbers between two times, for an axis.

    Args:
        start: where the axis begins.
        end: where it ends; later than that.
        most: how many there is room for; one at least.
    """
    rough = (end - start) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * nice for nice in (1, 2, 5, 10) if power * nice >= rough)
    first = math.ceil(round(start / step, 9))
    return [round(step * n, 9) for n in range(first, math.floor(round(end / step, 9)) + 1)]
