"""Starting again while another run holds the lock."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from hadeploy.errors import NodesError
from hadeploy.progress import Progress
from hadeploy.rollout.reply_errors import LockedError, StaleError

Value = TypeVar("Value")

LOCK_POLL_SECONDS = 1.0
# lib/lock.sh waits as long for the scripts of an interrupted run.
SCRIPT_SECONDS = 120
MAX_STALE = 3


def retry_when_locked(work: Callable[[], Value], progress: Progress, lock_wait: float) -> Value:
    """Do the work; retry from the start while another run holds the lock.

    Also retries up to MAX_STALE times if a node changed between the observation and the lock. If
    a script of an interrupted run is still running, waits for it up to SCRIPT_SECONDS.

    Args:
        work: observes, plans and changes, because a plan from before the wait is out of date.
        progress: shows the holder of the lock.
        lock_wait: maximum time to wait, in seconds.

    Raises:
        LockedError: another run held the lock during the whole wait.
        NodesError: the nodes changed before every attempt.
    """
    started = time.monotonic()
    stale = 0
    while True:
        try:
            return work()
        except LockedError as error:
            patience = max(lock_wait, SCRIPT_SECONDS) if error.ending else lock_wait
            if time.monotonic() >= started + patience:
                raise
            progress.waiting(str(error))
            time.sleep(LOCK_POLL_SECONDS)
        except NodesError as error:
            stale += 1
            if stale > MAX_STALE or not all(isinstance(e, StaleError) for e in error.errors):
                raise
            progress.waiting(str(error))
