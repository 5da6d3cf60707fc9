"""Imports that are done while the nodes are busy: they are a third of a run without changes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from threading import Thread

from hadeploy.plan.inputs import Inputs

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


def import_planning(inputs: Inputs) -> None:
    """Import what comes after the first look, and compile the templates.

    Args:
        inputs: all that the run was given.
    """
    import hadeploy.observe.parse
    import hadeploy.rollout.prepare  # noqa: F401
    from hadeploy.desired.templates import compile_all

    compile_all(inputs.templates)
