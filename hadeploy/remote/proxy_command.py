"""ProxyCommand: a program whose stdin and stdout are the connection (ssh_config(5))."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import tempfile
from typing import IO

import paramiko

# The time for a command to exit after it has closed the connection.
EXIT_SECONDS = 1.0
MAX_SHOWN_CHARACTERS = 500
# Secrets on a command line.
_SECRET = re.compile(
    r"((?:(?<![\w-])[\w-]*(?:auth|pass\w*|pwd|token|secret)[=: ]\s{0,9})|(?:\w://[^/\s:@]*:))[^\s@]+",
    re.I,
)


class ProxyCommandError(paramiko.SSHException):
    """The command has failed.

    Args:
        command: for display.
        outcome: its exit status or signal, for display.
        output: its stderr.
    """

    def __init__(self, command: str, outcome: str, output: str) -> None:
        super().__init__(f"{command}: {outcome}")
        self.command = command
        self.outcome = outcome
        self.output = output


class ProxySocket(socket.socket):
    """A socket that ends its command on close."""

    process: subprocess.Popen[bytes]

    def close(self) -> None:
        """Close the socket, and end the command if it still runs."""
        super().close()
        end(self.process)


class ProxyCommand:
    """One run of a command.

    Args:
        command: for the user's shell, with its tokens replaced.
        passes_socket: whether it passes a connected socket (ProxyUseFdpass).
        timeout: seconds that passing the socket may take.
    """

    def __init__(self, command: str, *, passes_socket: bool, timeout: float) -> None:
        self._command = command
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the command
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [os.environ.get("SHELL") or "/bin/sh", "-c", f"exec {command}"],
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=self._stderr,
                # Ctrl-C must not end it: hadeploy still needs the connection.
                start_new_session=True,
            )
        if passes_socket:
            try:
                self.socket: socket.socket = self._passed(ours, timeout)
            except BaseException:
                end(self._process)
                raise
            return
        self.socket = ProxySocket(fileno=ours.detach())
        self.socket.process = self._process

    def _passed(self, ours: socket.socket, timeout: float) -> socket.socket:
        """The socket that the command passes on."""
        ours.settimeout(timeout)
        with ours:
            _, descriptors, _, _ = socket.recv_fds(ours, 1, 1)
        if not descriptors:
            raise self.failure() or EOFError("no socket was passed")
        return socket.socket(fileno=descriptors[0])

    def failure(self) -> ProxyCommandError | None:
        """The failure of the command; None if it runs, or has succeeded."""
        try:
            code = self._process.wait(EXIT_SECONDS)
        except subprocess.TimeoutExpired:
            return None
        if code == 0:
            return None
        outcome = f"exit status {code}" if code > 0 else f"ended by signal {-code}"
        self._stderr.seek(0)
        output = self._stderr.read()[-MAX_SHOWN_CHARACTERS:].decode("utf-8", "replace")
        return ProxyCommandError(shown(self._command), outcome, shown(output))


def end(process: subprocess.Popen[bytes]) -> None:
    """End a command and its children, if it runs; they have their own session."""
    if process.poll() is None:
        # SIGHUP as OpenSSH; SIGTERM for a command under nohup.
        for number in (signal.SIGHUP, signal.SIGTERM):
            with contextlib.suppress(OSError):
                os.killpg(process.pid, number)


def shown(text: str) -> str:
    """A command or its output, for display: one line, with probable secrets redacted."""
    printable = "".join(c if c.isprintable() else " " for c in text)
    return _SECRET.sub(r"\1(redacted)", printable).strip()[:MAX_SHOWN_CHARACTERS]
