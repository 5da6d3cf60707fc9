"""Runs scripts on a node: POSIX sh on stdin, so that nothing is on a command line."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from os import SEEK_END
from typing import BinaryIO

import paramiko
from fabric import Connection
from pydantic import SecretStr

from hadeploy.errors import ExitCode, HadeployError
from hadeploy.remote.retry import PermanentError, retried
from hadeploy.remote.script_errors import ended_early, limit_exceeded, lost, unparsable
from hadeploy.remote.sudo import (
    SUDO,
    Handshake,
    PromptState,
    SudoState,
    insists_on_terminal,
    refusal,
)
from hadeploy.remote.timed_channel import CHUNK, TimedChannel, closed_after
from hadeploy.scripts.forms import MalformedError
from hadeploy.scripts.lines import OutputTooLongError
from hadeploy.scripts.protocol import Message, Reply, ReplyParser

# The default time limit of a script, regardless of its heartbeats.
SCRIPT_SECONDS = 600.0
# For a script that changes a node: it stops containers (haproxy.stop_timeout is at most an hour),
# and waits for backends and VRRP after each step.
CHANGE_SECONDS = 3 * 3600.0
# To load an image over a slow connection.
FEED_SECONDS = 3 * 3600.0
# The output of sudo before the command begins, with lectures and banners.
MAX_BANNER_BYTES = 256 * 1024
# How long a refused channel is retried: with MaxSessions 1, until the server has closed the
# previous channel, or until a renewal of the lock has finished.
CHANNEL_SECONDS = 20.0


@dataclass(frozen=True)
class Session:
    """An open connection to one node.

    Attributes:
        node: its label.
        connection: the open fabric connection.
        sudo: whether scripts run through sudo.
        silence: seconds that a script may run without a heartbeat.
        password: sent to sudo if it asks for one.
    """

    node: str
    connection: Connection
    sudo: bool
    silence: float
    password: SecretStr | None = None
    sudo_state: SudoState = field(default_factory=SudoState)

    def latency(self, times: int) -> float:
        """The one-way latency in seconds: half of the fastest round trip.

        Args:
            times: the number of round trips.

        Raises:
            HadeployError: the connection was lost.
        """
        transport = self.connection.transport
        quickest = float("inf")
        for _ in range(times):
            started = time.monotonic()
            try:
                # A server also answers unknown requests (RFC 4254, section 4).
                with closed_after(self.silence, transport.close):
                    transport.global_request("keepalive@openssh.com", wait=True)
                if not transport.is_active():
                    raise EOFError(f"no answer within {self.silence:g} s")
            except (paramiko.SSHException, OSError, EOFError) as error:
                raise lost(self.node, "measuring the latency", error) from error
            quickest = min(quickest, time.monotonic() - started)
        return quickest / 2

    def close(self) -> None:
        """Close the connection; a second call does nothing."""
        self.connection.close()

    @property
    def becomes_root(self) -> str:
        """How scripts run as root, for display."""
        if not self.sudo:
            return "as the login user"
        return f"by sudo, {'with the' if self.sudo_state.asked else 'without a'} password"

    def become_root(self) -> None:
        """Run `true` as root, to check the sudo password.

        Raises:
            HadeployError: sudo refuses.
        """
        self._begin("true", 0, "becoming root").channel.close()

    def run(
        self,
        script: str,
        *,
        operation: str,
        on_message: Callable[[Message], None] = lambda _: None,
        on_line: Callable[[str], None] | None = None,
        patient: bool = True,
        seconds: float = SCRIPT_SECONDS,
    ) -> Reply:
        """Run a script as root and collect its messages.

        The script sends messages with `emit` (lib/report.sh); other output is kept as noise and
        shown only after a failure. A script on stdin works with every login shell.

        Args:
            script: POSIX sh, without the token.
            operation: for error messages: "observing", "applying".
            on_message: called with each message as it arrives.
            on_line: called with each line below a message, which is then not kept.
            patient: whether to retry if the server refuses another channel.
            seconds: the time limit, regardless of heartbeats.

        Raises:
            PermanentError: the connection or sudo failed, the script sent no heartbeat for too
                long, exceeded a limit, sent an invalid message, or ended without its closing
                message; it may have begun.
        """
        token = secrets.token_hex(8)
        source = f"HD_TOKEN={token}\n{script}\n".encode()
        timed = self._begin("sh", len(source), operation, patient=patient, seconds=seconds)
        with timed.channel:
            self._send(timed, [source])
            parser = ReplyParser(token, on_message, on_line)
            for line in timed.lines(endless=on_line is not None):
                try:
                    parser.feed(line)
                except MalformedError as error:
                    raise unparsable(self.node, operation, str(error)) from error
                except OutputTooLongError as error:
                    raise limit_exceeded(self.node, operation, str(error)) from error
            code = timed.exit_status()
        if not parser.ended:
            begun, terminal = bool(parser.messages), self.sudo_state.terminal
            if not begun and not terminal and insists_on_terminal(parser.tail):
                # Safe: sudo did not start the script.
                self.sudo_state.terminal = True
                return self.run(
                    script,
                    operation=operation,
                    on_message=on_message,
                    on_line=on_line,
                    patient=patient,
                    seconds=seconds,
                )
            raise self._ended(operation, code, parser.tail, begun=begun)
        return Reply(tuple(parser.messages[:-1]), code)

    def feed(
        self,
        command: str,
        source: BinaryIO,
        *,
        operation: str,
        on_sent: Callable[[int], None] = lambda _: None,
    ) -> str:
        """Stream a file into a command's stdin.

        Args:
            command: runs under sudo if needed; must not contain secrets.
            source: opened for reading; the whole file is sent.
            operation: for error messages.
            on_sent: called with the number of bytes just sent.

        Returns:
            The output of the command.

        Raises:
            HadeployError: the command failed, read no input for too long, or did not end within
                FEED_SECONDS.
            OSError: the file cannot be read.
        """
        size = source.seek(0, SEEK_END)
        source.seek(0)
        timed = self._begin(command, size, operation, seconds=FEED_SECONDS)
        with timed.channel:
            self._send(timed, iter(lambda: source.read(CHUNK), b""), on_sent)
            output = "\n".join(timed.lines())
            code = timed.exit_status()
        if code == -1:
            raise lost(self.node, operation, ConnectionError("closed by the node"))
        if code != 0:
            raise HadeployError(
                f"exit status {code}", node=self.node, operation=operation, detail=output[-2000:]
            )
        return output

    def _send(
        self,
        timed: TimedChannel,
        chunks: Iterable[bytes],
        on_sent: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Send the input of a command; stop if it reads no more: its output has the reason."""
        for chunk in chunks:
            if not timed.send(chunk):
                return
            on_sent(len(chunk))
        with suppress(OSError, EOFError, paramiko.SSHException):
            timed.channel.shutdown_write()

    def _begin(
        self,
        command: str,
        size: int,
        operation: str,
        *,
        patient: bool = True,
        seconds: float = SCRIPT_SECONDS,
    ) -> TimedChannel:
        """Start a command as root; it then reads its input."""
        if self.sudo_state.refused:
            raise self.sudo_state.refused
        if not self.sudo:
            return self._timed(self.start(command, operation, patient=patient), operation, seconds)
        if not self.password and not self.sudo_state.terminal:
            # The input follows at once, to save a round trip. If sudo refuses, nothing reads it.
            channel = self.start(f"{SUDO} -n -- {command}", operation, patient=patient)
            return self._timed(channel, operation, seconds)
        asked, output = self._ask(command, size, operation, patient=patient)
        if asked is None and insists_on_terminal(output) and not self.sudo_state.terminal:
            self.sudo_state.terminal = True
            asked, output = self._ask(command, size, operation, patient=patient)
        if asked is None:
            raise self._ended(operation, 1, output, begun=False)
        return self._timed(asked, operation, seconds, output.encode("utf-8", "surrogateescape"))

    def _timed(
        self, channel: paramiko.Channel, operation: str, seconds: float, early: bytes = b""
    ) -> TimedChannel:
        return TimedChannel(channel, self.node, operation, self.silence, seconds, early)

    def _ask(
        self, command: str, size: int, operation: str, *, patient: bool
    ) -> tuple[paramiko.Channel | None, str]:
        """Start a command with sudo, and answer its password prompt.

        Returns:
            The channel and the first output of the command; or None and the output of sudo.
        """
        terminal = self.sudo_state.terminal
        handshake = Handshake.new()
        line = handshake.command(command, size if terminal else None)
        channel = self.start(line, operation, patient=patient, terminal=terminal)
        output, answered, state = b"", False, PromptState.NOTHING
        try:
            for chunk in self._timed(channel, operation, SCRIPT_SECONDS).chunks():
                output += chunk
                if len(output) > MAX_BANNER_BYTES:
                    raise limit_exceeded(self.node, operation, "the output of sudo is too long")
                state = handshake.state(output, answered)
                if state is PromptState.READY:
                    early = handshake.after(output)
                    return channel, early.decode("utf-8", "surrogateescape")
                if state is PromptState.ASKS:
                    if answered or not self.password:
                        break
                    answered = self.sudo_state.asked = True
                    channel.sendall(self.password.get_secret_value().encode() + b"\n")
        except BaseException:
            channel.close()
            raise
        channel.close()
        words = handshake.before(output)
        if state is PromptState.ASKS:
            words += "\nSorry, try again" if answered else "\na password is required"
        if answered and (refused := refusal(words, self.node, operation)):
            self.sudo_state.refused = refused
            raise refused
        return None, words

    def start(
        self, command: str, operation: str, *, patient: bool, terminal: bool = False
    ) -> paramiko.Channel:
        """Start a command as the login user; the caller closes the channel.

        Raises:
            HadeployError: the server refuses a channel, or the connection was lost.
        """
        transport = self.connection.transport
        until = time.monotonic() + (CHANNEL_SECONDS if patient else 0)
        try:
            # Safe to retry: a refused channel has run nothing.
            channel = retried(lambda: self._channel(transport, operation), until=until)
            channel.set_combine_stderr(True)
            with closed_after(self.silence, channel.close):
                if terminal:
                    channel.get_pty(width=200)
                channel.exec_command(command)
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise lost(self.node, operation, error) from error
        return channel

    def _channel(self, transport: paramiko.Transport, operation: str) -> paramiko.Channel:
        try:
            return transport.open_session(timeout=self.silence)
        except paramiko.ChannelException as error:
            raise HadeployError(
                f"the SSH server refuses a session ({error.text})",
                node=self.node,
                operation=operation,
                hint="does its MaxSessions allow at least 1?",
                code=ExitCode.UNREACHABLE if operation == "observing" else ExitCode.FAILED,
            ) from error

    def _ended(self, operation: str, code: int, output: str, *, begun: bool) -> PermanentError:
        refused = None if begun or not self.sudo else refusal(output, self.node, operation)
        if code == -1 and not refused:
            return lost(self.node, operation, ConnectionError("closed by the node"))
        return refused or ended_early(
            self.node, operation, code, output, sudo=self.sudo, begun=begun
        )
