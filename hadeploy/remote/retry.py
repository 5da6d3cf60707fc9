"""Trying again, where that can do no harm."""

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
    """A failure after which nobody may try again by himself.

    Another attempt would end the same way (a changed host key), do harm (a refused password counts
    towards a lockout), or do something twice (a script that may have begun).
    """


def retried(
    work: Callable[[], Result],
    *,
    until: float,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Result:
    """Do the work; if it fails, pause, and do it again, each pause about twice the last.

    Args:
        work: must not have changed anything when it fails.
        until: no attempt begins after this moment, in seconds of `clock`.
        sleep: as time.sleep.
        clock: as time.monotonic.

    Raises:
        PermanentError: at once.
        HadeployError: of the last attempt.
    """
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            return work()
        except PermanentError:
            raise
        except HadeployError:
            # By chance a bit more or less: nodes behind one jump host must not knock in step.
            wait = pause * random.uniform(0.5, 1.5)  # noqa: S311 - nothing secret
            if clock() + wait >= until:
                raise
            sleep(wait)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
