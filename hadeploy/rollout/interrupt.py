"""Ctrl-C, SIGTERM or a hang-up during a change: the present node is finished first."""

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
        hint: what to do next, if so.
    """

    def __init__(self, hint: str) -> None:
        self.asked = False
        self._hint = hint

    def check(self) -> None:
        """Stop here, if the user has asked to.

        Raises:
            InterruptedRunError: the user has.
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
    hint: str = "`hadeploy up` goes on from here",
    first: str = "finishing the current node; press Ctrl-C again to stop waiting",
) -> Iterator[Interrupt]:
    """Turn the first Ctrl-C into a wish; the second one is a KeyboardInterrupt.

    A terminal that is closed, or an output that nothing reads any more (ui/streams.py), counts as
    the first one, and never as the second: it arrives several times. Under nohup it is ignored.

    Args:
        progress: told what is done first.
        hint: what to do next, if the user asks to stop.
        first: what is done first.
    """
    wish = Interrupt(hint)

    def ask(number: int, frame: FrameType | None) -> None:
        del frame
        if number == signal.SIGHUP:
            wish.asked = True
            return
        if wish.asked:
            raise KeyboardInterrupt
        wish.asked = True
        progress.waiting(f"interrupted: {first}")

    if threading.current_thread() is not threading.main_thread():
        yield wish
        return
    heeded = [n for n in SIGNALS if signal.getsignal(n) is not signal.SIG_IGN or n != signal.SIGHUP]
    before = {number: signal.signal(number, ask) for number in heeded}
    try:
        yield wish
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
