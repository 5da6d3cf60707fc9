"""Importing quickly."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from threading import Thread

# A thread that imports gives way after 5 ms by default; a login answers the node ten times.
SWITCH_SECONDS = 0.0005


class Preload:
    """Work done in a thread while the nodes are connected.

    Args:
        work: must be harmless if done again, which is where its errors are raised.
    """

    def __init__(self, work: Callable[[], object]) -> None:
        self._work = work
        self._interval = sys.getswitchinterval()
        self._thread = Thread(target=self._run, name="preload", daemon=True)

    def start(self) -> None:
        """Begin; from now on it takes time of whatever else computes here."""
        sys.setswitchinterval(SWITCH_SECONDS)
        self._thread.start()

    def _run(self) -> None:
        with suppress(Exception):
            self._work()

    def finish(self) -> None:
        """Wait for the thread, and do again what it has not done.

        Raises:
            Exception: as the work does.
        """
        if self._thread.ident is not None:
            self._thread.join()
        sys.setswitchinterval(self._interval)
        self._work()
