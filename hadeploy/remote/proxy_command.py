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

# How long a command that has closed its end may take to exit.
EXIT_SECONDS = 1.0
MOST_SHOWN = 500
# Values that a command line should not have, and has.
_SECRET = re.compile(
    r"((?:(?<![\w-])[\w-]*(?:auth|pass\w*|pwd|token|secret)[=: ]\s{0,9})|(?:\w://[^/\s:@]*:))[^\s@]+",
    re.I,
)


class ProxyCommandError(paramiko.SSHException):
    """The command has ended with an error.

    Args:
        command: for display.
        outcome: how it ended.
        output: what it said on stderr.
    """

    def __init__(self, command: str, outcome: str, output: str) -> None:
        super().__init__(f"{command}: {outcome}")
        self.command = command
        self.outcome = outcome
        self.output = output


class ProxySocket(socket.socket):
    """A socket that ends its command when it is closed."""

    process: subprocess.Popen[bytes]

    def close(self) -> None:
        """Close, and end the command if that does not."""
        super().close()
        end(self.process)


class ProxyCommand:
    """One run of a command.

    Args:
        command: for the user's shell, with its tokens replaced.
        passes_socket: whether it hands a connected socket over (ProxyUseFdpass).
        timeout: seconds that this may take.
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
                # Ctrl-C is for hadeploy, which still needs the connection then.
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
        """How the command has failed; None if it runs, or has ended well."""
        try:
            code = self._process.wait(EXIT_SECONDS)
        except subprocess.TimeoutExpired:
            return None
        if code == 0:
            return None
        outcome = f"exit status {code}" if code > 0 else f"ended by signal {-code}"
        self._stderr.seek(0)
        output = self._stderr.read()[-MOST_SHOWN:].decode("utf-8", "replace")
        return ProxyCommandError(shown(self._command), outcome, shown(output))


def end(process: subprocess.Popen[bytes]) -> None:
    """End a command, and what it has started, if it runs; it is in a session of its own."""
    if process.poll() is None:
        # OpenSSH sends a hang-up, which what nohup has started ignores.
        for number in (signal.SIGHUP, signal.SIGTERM):
            with contextlib.suppress(OSError):
                os.killpg(process.pid, number)


def shown(text: str) -> str:
    """A command, or its output, for display: on one line, without what looks like a secret."""
    printable = "".join(c if c.isprintable() else " " for c in text)
    return _SECRET.sub(r"\1(redacted)", printable).strip()[:MOST_SHOWN]
