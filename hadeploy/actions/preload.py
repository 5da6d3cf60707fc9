"""Imports during network waits: they take a third of the time of a run without changes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from threading import Thread

from hadeploy.plan.inputs import Inputs

# An importing thread yields after 5 ms by default; a login has ten round trips.
SWITCH_SECONDS = 0.0005


class Preload:
    """Work in a thread during the connection to the nodes.

    Args:
        work: must be idempotent: `finish` repeats it, and raises its errors.
    """

    def __init__(self, work: Callable[[], object]) -> None:
        self._work = work
        self._interval = sys.getswitchinterval()
        self._thread = Thread(target=self._run, name="preload", daemon=True)

    def start(self) -> None:
        """Start the thread, and shorten the switch interval of the interpreter meanwhile."""
        sys.setswitchinterval(SWITCH_SECONDS)
        self._thread.start()

    def _run(self) -> None:
        with suppress(Exception):
            self._work()

    def finish(self) -> None:
        """Wait for the thread, then repeat the work, which completes it.

        Raises:
            Exception: any error of the work.
        """
        if self._thread.ident is not None:
            self._thread.join()
        sys.setswitchinterval(self._interval)
        self._work()


def import_planning(inputs: Inputs) -> None:
    """Import the modules that follow the first observation, and compile the templates."""
    import hadeploy.observe.parse
    import hadeploy.rollout.prepare  # noqa: F401
    from hadeploy.desired.templates import compile_all

    compile_all(inputs.templates)
