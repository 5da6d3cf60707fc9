"""Running scripts on a node: POSIX sh, fed on stdin, so that nothing is on a command line."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

import paramiko
from fabric import Connection

from hadeploy.errors import ExitCode, HadeployError
from hadeploy.transport.protocol import Message, Reply, parse_line

CHUNK = 64 * 1024
# Their bodies are never shown: files, and containers whose environment may hold a password.
SECRET_KINDS = ("file", "foreign", "foreign-config", "foreign-file")


class SudoError(HadeployError):
    """sudo did not start our script."""


@dataclass(frozen=True)
class Session:
    """An open connection to one node.

    Attributes:
        node: its label.
        connection: the open fabric connection.
        sudo: whether scripts run through `sudo -n`.
        silence: seconds that a script may stay without a sign of life.
    """

    node: str
    connection: Connection
    sudo: bool
    silence: float

    def close(self) -> None:
        """Close the connection; a second call does nothing."""
        self.connection.close()

    def run(
        self,
        script: str,
        *,
        doing: str,
        on_message: Callable[[Message], None] = lambda _: None,
    ) -> Reply:
        """Run a script as root and collect what it reports.

        The script reports through `emit` (see shell/report.sh); any other output is kept as noise
        and shown only if something fails. Feeding it on stdin works under every login shell.

        Args:
            script: POSIX sh, without the reporting prelude.
            doing: for error messages: "observing", "applying".
            on_message: called with each message as it arrives.

        Raises:
            HadeployError: the connection or sudo failed, the script stayed silent for too long, or
                it ended without its closing message.
        """
        token = secrets.token_hex(8)
        source = f"HD_TOKEN={token}\n{script}\n"
        channel = self._open(doing)
        with channel:
            self._start(channel, "sh", doing)
            try:
                channel.sendall(source.encode())
                channel.shutdown_write()
            except TimeoutError as error:
                raise self._silent(doing, self.silence) from error
            except (OSError, EOFError, paramiko.SSHException):
                # It ended before it had read everything: its own words say why, below.
                pass
            messages: list[Message] = []
            noise: list[str] = []
            for line in self._lines(channel, doing):
                message = parse_line(line, token)
                if message is None:
                    (messages[-1].body if messages else noise).append(line)
                    continue
                # A sign of life comes in the middle of what something else says.
                if message.kind == "alive":
                    continue
                messages.append(message)
                on_message(message)
            code = channel.recv_exit_status()
        if not messages or messages[-1].kind != "end":
            # The body of a file may be a secret.
            secret = bool(messages) and messages[-1].kind in SECRET_KINDS
            tail = noise if not messages or secret else [*noise, *messages[-1].body]
            raise self._cut_short(doing, code, "\n".join(tail[-15:]), started=bool(messages))
        return Reply(tuple(messages[:-1]), code)

    def feed(
        self,
        command: str,
        source: BinaryIO,
        *,
        doing: str,
        on_sent: Callable[[int], None] = lambda _: None,
    ) -> str:
        """Stream a file into a command's stdin.

        Args:
            command: runs under sudo where needed; must hold nothing secret.
            source: opened for reading.
            doing: for error messages.
            on_sent: called with the number of bytes just sent.

        Returns:
            What the command printed.

        Raises:
            HadeployError: the command failed, or took nothing for too long.
        """
        channel = self._open(doing)
        with channel:
            self._start(channel, command, doing)
            try:
                while chunk := source.read(CHUNK):
                    channel.sendall(chunk)
                    on_sent(len(chunk))
                channel.shutdown_write()
            except (OSError, EOFError, paramiko.SSHException):
                # The command ended early: its own words say why, below.
                pass
            output = "\n".join(self._lines(channel, doing))
            code = channel.recv_exit_status()
        if code != 0:
            raise HadeployError(
                f"exit status {code}", node=self.node, doing=doing, detail=output[-2000:]
            )
        return output

    def _open(self, doing: str) -> paramiko.Channel:
        try:
            channel: paramiko.Channel = self.connection.transport.open_session(timeout=self.silence)
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise self._lost(doing, error) from error
        channel.set_combine_stderr(True)
        channel.settimeout(self.silence)
        return channel

    def _start(self, channel: paramiko.Channel, command: str, doing: str) -> None:
        try:
            channel.exec_command(f"sudo -n -- {command}" if self.sudo else command)
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise self._lost(doing, error) from error

    def _lines(self, channel: paramiko.Channel, doing: str) -> Iterator[str]:
        rest = b""
        started = time.monotonic()
        while True:
            try:
                chunk = channel.recv(CHUNK)
            except TimeoutError as error:
                raise self._silent(doing, time.monotonic() - started) from error
            except (paramiko.SSHException, OSError, EOFError) as error:
                raise self._lost(doing, error) from error
            if not chunk:
                break
            started = time.monotonic()
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                yield line.decode("utf-8", "replace")
        if rest:
            yield rest.decode("utf-8", "replace")

    def _silent(self, doing: str, seconds: float) -> HadeployError:
        return HadeployError(
            f"no sign of life for {seconds:.0f} s; gave up",
            node=self.node,
            doing=doing,
            hint="look at the node's load and at dockerd (ssh.command_timeout)",
        )

    def _lost(self, doing: str, error: Exception) -> HadeployError:
        return HadeployError(
            f"the connection was lost ({error or type(error).__name__})",
            node=self.node,
            doing=doing,
            hint="run the same command again: it goes on from the state on the nodes",
            code=ExitCode.UNREACHABLE if doing == "observing" else ExitCode.FAILED,
        )

    def _cut_short(self, doing: str, code: int, output: str, *, started: bool) -> HadeployError:
        if "a password is required" in output or "a terminal is required" in output:
            return SudoError(
                "sudo wants a password",
                node=self.node,
                doing=doing,
                hint="allow this user `NOPASSWD: ALL` in sudoers, or log in as root",
                code=ExitCode.UNREACHABLE,
            )
        if code == -1:
            return self._lost(doing, ConnectionError("closed by the node"))
        kind = SudoError if self.sudo and not started else HadeployError
        return kind(
            f"the script ended early with exit status {code}",
            node=self.node,
            doing=doing,
            detail=output,
            hint=f"is this user allowed to run sudo? try: ssh {self.node} sudo -n true"
            if self.sudo
            else None,
        )
