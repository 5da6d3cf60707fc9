"""The time axis of a drawn round. Pure."""

from __future__ import annotations

import math


def ticks(start: float, end: float, most: int) -> list[float]:
    """The times at the ticks of an axis, as round numbers.

    Args:
        start: the start of the axis.
        end: the end of the axis, after `start`.
        most: the maximum number of ticks, at least 1.
    """
    rough = (end - start) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * nice for nice in (1, 2, 5, 10) if power * nice >= rough)
    first = math.ceil(round(start / step, 9))
    return [round(step * n, 9) for n in range(first, math.floor(round(end / step, 9)) + 1)]
