"""An SSH channel on which each wait has an end, whatever the node does or leaves undone."""

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

from hadeploy.remote.script_errors import lost, silent, too_much
from hadeploy.scripts.lines import TooMuchError, lines_of

CHUNK = 64 * 1024
# A wait is too long by so much only where this process did not run: the machine slept, or a shell
# had stopped it. What the node has said meanwhile has not been read yet.
SUSPENDED_SECONDS = 3.0

T = TypeVar("T")


@dataclass
class TimedChannel:
    """What is sent to one command, and what it says.

    Attributes:
        channel: open; the command has been started.
        node: its label.
        operation: for error messages.
        silence: seconds without a sign of life.
        seconds: how long the command may take in all.
        early: what it has said already.
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
        """What the command says, until it ends.

        Raises:
            PermanentError: the connection is lost, or it takes too long.
        """
        if self.early:
            yield self.early
        while chunk := self._in_time(lambda: self.channel.recv(CHUNK)):
            yield chunk

    def lines(self, *, endless: bool = False) -> Iterator[str]:
        """As `chunks`, by lines.

        Raises:
            PermanentError: it says too much, too.
        """
        try:
            yield from lines_of(self.chunks(), endless=endless)
        except TooMuchError as error:
            raise too_much(self.node, self.operation, str(error)) from error

    def send(self, data: bytes) -> bool:
        """Send all of it; False where the command reads no more.

        Raises:
            PermanentError: it takes too long.
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
        """As the command ended; -1 where the node does not say.

        Raises:
            PermanentError: the node has ended the output and does not say it in time.
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
                raise too_much(
                    self.node, self.operation, f"it has not ended after {self.seconds:g} s"
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
                    raise silent(self.node, self.operation, waited) from error


@contextmanager
def closed_after(seconds: float, close: Callable[[], None]) -> Iterator[None]:
    """Close something unless the body ends in time: for waits of paramiko that have no end."""
    timer = threading.Timer(seconds, close)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
