"""Signals that end a run as Ctrl-C does: so a lock is given back and connections are closed."""

from __future__ import annotations

import signal
from types import FrameType

ENDING = (signal.SIGTERM, signal.SIGHUP)


def end_run(number: int, frame: FrameType | None) -> None:
    """A signal handler: the first signal is an interrupt; a terminal that closes sends several.

    Raises:
        KeyboardInterrupt: always.
    """
    del frame
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def heed() -> None:
    """Take them as Ctrl-C from here on; one that is ignored (nohup) stays so."""
    for number in ENDING:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, end_run)
