"""Standard output and standard error that may be closed, full, or too narrow for a character."""

from __future__ import annotations

import codecs
import errno
import io
import os
import select
import signal
import sys
from typing import TYPE_CHECKING, TextIO

from hadeploy.ui.signals import end_run

if TYPE_CHECKING:
    from typing_extensions import Buffer

# The other end of a pipe is closed; the terminal is gone (write(2), tty_ioctl(4)).
_HANG_UP = (errno.EPIPE, errno.EIO)
_STREAMS = ("stdin", "stdout", "stderr")
# As wide as what they stand for, so that tables keep their columns.
_PLAIN = {
    **{"✓": "+", "✗": "x", "…": "~", "→": ">", "•": "*"},
    **{"─": "-", "━": "=", "╌": "-", "█": "#"},
}
_ERRORS = "hadeploy-plain"


class Output(io.FileIO):
    """A file descriptor that takes all output, also what cannot be written.

    Attributes:
        failure: why output was lost; None if none was.
    """

    def __init__(self, descriptor: int, failure: OSError | None = None) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self.failure = failure

    def write(self, data: Buffer, /) -> int:
        """Write all that can be written.

        Raises:
            BrokenPipeError: nothing reads it any more, and no change is under way that has to be
                finished first (rollout/interrupt.py handles SIGHUP then).
        """
        view = memoryview(data).cast("B")
        size = len(view)
        try:
            while view and not self.failure:
                written = super().write(view)
                if written is None:
                    # Another program has made the terminal non-blocking.
                    select.select((), (self,), ())
                view = view[written or 0 :]
        except OSError as error:
            self.failure = error
            if error.errno in _HANG_UP:
                if signal.getsignal(signal.SIGHUP) in (signal.SIG_DFL, end_run):
                    raise BrokenPipeError(error.errno, error.strerror) from error
                signal.raise_signal(signal.SIGHUP)
        return size


def protect() -> None:
    """Have output that cannot be written change nothing but the exit code.

    A descriptor that is closed leads nowhere from here on: else the next file or connection would
    get its number, and the output.
    """
    closed = [name for name in _STREAMS if getattr(sys, name) is None]
    for _ in closed:
        # The lowest number that is free (open(2)).
        os.open(os.devnull, os.O_RDWR)
    for descriptor, name in enumerate(_STREAMS):
        stream: TextIO | None = getattr(sys, name)
        if name == "stdin" or (stream is not None and stream is not getattr(sys, f"__{name}__")):
            continue
        failure = OSError(errno.EBADF, os.strerror(errno.EBADF)) if name in closed else None
        setattr(sys, name, _text(Output(descriptor, failure), stream))


def plain(error: UnicodeError) -> tuple[str, int]:
    """Replace what an encoding does not have (codecs.register_error); unknown ones by "?"."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = error.object[error.start : error.end]
    return "".join(_PLAIN.get(character, "?") for character in lost), error.end


def _text(raw: Output, before: TextIO | None) -> TextIO:
    """A text stream that takes every character.

    It has no buffered writer below it: a signal handler that prints, in the middle of a print,
    would fail there ("reentrant call").
    """
    codecs.register_error(_ERRORS, plain)
    return io.TextIOWrapper(
        raw,
        encoding=before.encoding if before else "utf-8",
        errors=_ERRORS,
        line_buffering=bool(before and before.line_buffering),
    )


def output_failure() -> str | None:
    """Why output was lost, as a sentence; None if none was.

    A standard error that was closed from the start is not a failure: it was not wanted.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        raw = getattr(stream, "buffer", None)
        if not isinstance(raw, Output):
            continue
        stream.flush()
        failure = raw.failure
        if failure and (name == "stdout" or failure.errno != errno.EBADF):
            return f"cannot write to {name}: {failure.strerror}"
    return None
