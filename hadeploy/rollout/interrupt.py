"""Ctrl-C, SIGTERM or SIGHUP during a change: the run finishes the current node first."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from hadeploy.errors import ExitCode, HadeployError
from hadeploy.progress import Progress

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class InterruptedRunError(HadeployError):
    """The user stopped the run between two nodes."""


class Interrupt:
    """Whether the user has asked to stop.

    Args:
        hint: the next command for the user.
    """

    def __init__(self, hint: str) -> None:
        self.asked = False
        self._hint = hint

    def check(self) -> None:
        """Stop here if the user has asked to.

        Raises:
            InterruptedRunError: the user has asked to stop.
        """
        if self.asked:
            raise InterruptedRunError(
                "interrupted; the rest was not done",
                hint=self._hint,
                code=ExitCode.INTERRUPTED,
            )


@contextmanager
def deferred(
    progress: Progress,
    hint: str = "`hadeploy up` continues from here",
    first: str = "finishing the current node; press Ctrl-C again to stop waiting",
) -> Iterator[Interrupt]:
    """Record the first Ctrl-C; the second one raises KeyboardInterrupt.

    A closed terminal, or a closed output (ui/streams.py), counts as the first one and never as the
    second, because SIGHUP may arrive several times. Under nohup it is ignored.

    Args:
        progress: receives `first`.
        hint: the next command for the user.
        first: what the run finishes first.
    """
    interrupt = Interrupt(hint)

    def ask(number: int, frame: FrameType | None) -> None:
        del frame
        if number == signal.SIGHUP:
            interrupt.asked = True
            return
        if interrupt.asked:
            raise KeyboardInterrupt
        interrupt.asked = True
        progress.waiting(f"interrupted: {first}")

    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return
    nohup = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    handled = [n for n in SIGNALS if n != signal.SIGHUP or not nohup]
    before = {number: signal.signal(number, ask) for number in handled}
    try:
        yield interrupt
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
