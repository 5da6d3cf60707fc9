"""An SSH channel with a time limit for every wait."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import paramiko

from hadeploy.remote.script_errors import limit_exceeded, lost, no_heartbeat
from hadeploy.scripts.lines import OutputTooLongError, lines_of

CHUNK = 64 * 1024
# If a wait takes so much longer than its limit, this process was suspended (sleep of the machine,
# or SIGSTOP), and the output of the node has not been read yet.
SUSPENDED_SECONDS = 3.0

T = TypeVar("T")


@dataclass
class TimedChannel:
    """The input and output of one command.

    Attributes:
        channel: open; the command has been started.
        node: its label.
        operation: for error messages.
        silence: seconds without output.
        seconds: the time limit of the command.
        early: output that was read before.
    """

    channel: paramiko.Channel
    node: str
    operation: str
    silence: float
    seconds: float = math.inf
    early: bytes = b""

    def __post_init__(self) -> None:
        self._until = time.monotonic() + self.seconds

    def chunks(self) -> Iterator[bytes]:
        """The output of the command, until it ends.

        Raises:
            PermanentError: the connection was lost, or a time limit is exceeded.
        """
        if self.early:
            yield self.early
        while chunk := self._in_time(lambda: self.channel.recv(CHUNK)):
            yield chunk

    def lines(self, *, endless: bool = False) -> Iterator[str]:
        """As `chunks`, split into lines.

        Raises:
            PermanentError: also if the output is too long.
        """
        try:
            yield from lines_of(self.chunks(), endless=endless)
        except OutputTooLongError as error:
            raise limit_exceeded(self.node, self.operation, str(error)) from error

    def send(self, data: bytes) -> bool:
        """Send all data; False if the command reads no more.

        Raises:
            PermanentError: a time limit is exceeded.
        """
        while data:
            try:
                sent = self._wait(partial(self.channel.send, data))
            except (OSError, EOFError, paramiko.SSHException):
                return False
            if not sent:
                return False
            data = data[sent:]
        return True

    def exit_status(self) -> int:
        """The exit status of the command; -1 if the server sends none.

        Raises:
            PermanentError: the exit status does not arrive in time after the end of the output.
        """

        def ended() -> None:
            if not self.channel.status_event.wait(self.channel.gettimeout()):
                raise TimeoutError

        self._in_time(ended)
        return self.channel.recv_exit_status()

    def _in_time(self, wait: Callable[[], bytes | None]) -> bytes | None:
        try:
            return self._wait(wait)
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise lost(self.node, self.operation, error) from error

    def _wait(self, wait: Callable[[], T]) -> T:
        while True:
            started = time.monotonic()
            left = self._until - started
            if left <= 0:
                raise limit_exceeded(
                    self.node, self.operation, f"the script did not end within {self.seconds:g} s"
                )
            allowed = min(self.silence, left)
            self.channel.settimeout(allowed)
            try:
                return wait()
            except TimeoutError as error:
                waited = time.monotonic() - started
                if waited > allowed + SUSPENDED_SECONDS:
                    self._until += waited - allowed
                elif allowed == self.silence:
                    raise no_heartbeat(self.node, self.operation, waited) from error


@contextmanager
def closed_after(seconds: float, close: Callable[[], None]) -> Iterator[None]:
    """Call `close` unless the body ends in time: for calls of paramiko without a timeout."""
    timer = threading.Timer(seconds, close)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
