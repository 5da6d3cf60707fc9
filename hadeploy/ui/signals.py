"""Handle SIGTERM and SIGHUP like Ctrl-C, so that a run releases its lock and its connections."""

from __future__ import annotations

import signal
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGHUP)


def end_run(number: int, frame: FrameType | None) -> None:
    """A signal handler for the first signal; a terminal that closes sends several.

    Raises:
        KeyboardInterrupt: always.
    """
    del frame
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def handle_signals() -> None:
    """Install the handlers; a signal that is ignored (nohup) remains ignored."""
    for number in SIGNALS:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, end_run)
