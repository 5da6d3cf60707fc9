"""Retries, where they are safe."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from hadeploy.errors import HadeployError

Result = TypeVar("Result")

FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 4.0


class PermanentError(HadeployError):
    """A failure that must not be retried automatically.

    Another attempt would fail in the same way (a changed host key), do harm (a refused password
    counts towards a lockout), or do the work twice (a script that may have begun).
    """


def retried(
    work: Callable[[], Result],
    *,
    until: float,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Result:
    """Do the work; if it fails, pause and try again. Each pause is about twice the previous one.

    Args:
        work: must change nothing if it fails.
        until: no attempt begins after this time of `clock`.
        sleep: as time.sleep.
        clock: as time.monotonic.

    Raises:
        PermanentError: without another attempt.
        HadeployError: the error of the last attempt.
    """
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            return work()
        except PermanentError:
            raise
        except HadeployError:
            # Random, so that the nodes behind a jump host do not retry at the same time.
            wait = pause * random.uniform(0.5, 1.5)  # noqa: S311 - nothing secret
            if clock() + wait >= until:
                raise
            sleep(wait)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
