"""Standard output and error that may be closed, be full, or lack characters in their encoding."""

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

# A pipe without a reader, and a terminal that was closed (write(2), tty_ioctl(4)).
_HANG_UP = (errno.EPIPE, errno.EIO)
_STREAMS = ("stdin", "stdout", "stderr")
# Each replacement has one character, so that tables keep their columns.
_PLAIN = {
    **{"✓": "+", "✗": "x", "…": "~", "→": ">", "•": "*"},
    **{"─": "-", "━": "=", "╌": "-", "█": "#"},
}
_ERRORS = "hadeploy-plain"


class Output(io.FileIO):
    """A file descriptor that discards output after a write error.

    During a change it does not wait for a reader: a terminal that is paused (Ctrl-S) would keep the
    run from its next step, with backups that are kept off the VIP. What nothing reads yet is
    written later.

    Attributes:
        failure: why output was lost, or None.
    """

    def __init__(self, descriptor: int, failure: OSError | None = None) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self.failure = failure
        self._pending = b""

    def write(self, data: Buffer, /) -> int:
        """Write everything that can be written.

        Raises:
            BrokenPipeError: the output has no reader, and no change is in progress (during a
                change, rollout/interrupt.py handles SIGHUP and finishes the node first).
        """
        self._pending += memoryview(data).tobytes()
        self.flush()
        return memoryview(data).nbytes

    def flush(self) -> None:
        """Write what is pending.

        Raises:
            BrokenPipeError: as for `write`.
        """
        try:
            while self._pending and not self.failure:
                if _changing():
                    if not select.select((), (self,), (), 0)[1]:
                        return
                    # A pipe that is ready takes as much without a wait (pipe(7)).
                    self._send(select.PIPE_BUF)
                else:
                    self._send(len(self._pending))
        except OSError as error:
            self.failure = error
            if error.errno in _HANG_UP:
                if signal.getsignal(signal.SIGHUP) in (signal.SIG_DFL, end_run):
                    raise BrokenPipeError(error.errno, error.strerror) from error
                signal.raise_signal(signal.SIGHUP)

    def _send(self, most: int) -> None:
        # A signal handler that prints meanwhile finds only the rest.
        chunk, self._pending = self._pending[:most], self._pending[most:]
        written = super().write(chunk)
        if written is None:
            # Another program has made the terminal non-blocking.
            select.select((), (self,), ())
        self._pending = chunk[written or 0 :] + self._pending


def _changing() -> bool:
    """Whether a change is under way: rollout/interrupt.py handles SIGTERM then."""
    return signal.getsignal(signal.SIGTERM) not in (signal.SIG_DFL, signal.SIG_IGN, end_run)


def protect_streams() -> None:
    """Let output errors affect only the exit code.

    Closed descriptors are opened on /dev/null. Otherwise the next file or connection would get
    their number, and with it the output.
    """
    closed = [name for name in _STREAMS if getattr(sys, name) is None]
    for _ in closed:
        # open(2) returns the lowest free descriptor.
        os.open(os.devnull, os.O_RDWR)
    for descriptor, name in enumerate(_STREAMS):
        stream: TextIO | None = getattr(sys, name)
        if name == "stdin" or (stream is not None and stream is not getattr(sys, f"__{name}__")):
            continue
        failure = OSError(errno.EBADF, os.strerror(errno.EBADF)) if name in closed else None
        setattr(sys, name, _text(Output(descriptor, failure), stream))


def plain(error: UnicodeError) -> tuple[str, int]:
    """Replace characters that the encoding lacks (codecs.register_error), by default with "?"."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = error.object[error.start : error.end]
    return "".join(_PLAIN.get(character, "?") for character in lost), error.end


def _text(raw: Output, before: TextIO | None) -> TextIO:
    """A text stream that accepts every character.

    It has no buffered writer: there, a signal handler that prints during a print would fail
    ("reentrant call").
    """
    codecs.register_error(_ERRORS, plain)
    return io.TextIOWrapper(
        raw,
        encoding=before.encoding if before else "utf-8",
        errors=_ERRORS,
        line_buffering=bool(before and before.line_buffering),
    )


def output_failure() -> str | None:
    """Why output was lost, as a sentence, or None.

    A standard error that was closed from the start is intended, not a failure.
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
