"""A session whose node answers what a test says, through the real reader of lines and messages."""

from __future__ import annotations

import re
import threading

import paramiko
from rich.console import Console

from hadeploy.remote.session import Session
from hadeploy.ui.progress import Lines

PROGRESS = Lines(Console(quiet=True))


class _Channel:
    """What paramiko's is to a session; it answers when it was sent a whole script."""

    def __init__(self, answer: bytes, code: int) -> None:
        self._answer, self._code = answer, code
        self._sent, self._said, self._seconds = b"", False, 0.0
        self.status_event = threading.Event()
        self.status_event.set()

    def __enter__(self) -> _Channel:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def settimeout(self, seconds: float) -> None:
        self._seconds = seconds

    def gettimeout(self) -> float:
        return self._seconds

    def send(self, data: bytes) -> int:
        self._sent += data
        return len(data)

    def shutdown_write(self) -> None:
        pass

    def recv(self, size: int) -> bytes:
        if self._said:
            return b""
        self._said = True
        token = re.search(rb"HD_TOKEN=(\w+)", self._sent)
        return self._answer.replace(b"TOKEN", token[1] if token else b"")

    def recv_exit_status(self) -> int:
        return self._code


class ScriptedSession(Session):
    """Gives the same answer to every script; TOKEN is replaced by the token of the script."""

    def __init__(self, answer: str, node: str = "n3", code: int = 0) -> None:
        super().__init__(node, None, sudo=False, silence=5)
        object.__setattr__(self, "_channel_of", lambda: _Channel(answer.encode(), code))

    def start(
        self, command: str, operation: str, *, patient: bool, terminal: bool = False
    ) -> paramiko.Channel:
        channel: paramiko.Channel = self._channel_of()  # type: ignore[attr-defined]
        return channel


def message(kind: str, *words: str) -> str:
    """A message as the scripts say it."""
    return f"@TOKEN {' '.join((kind, *words))}\n"
