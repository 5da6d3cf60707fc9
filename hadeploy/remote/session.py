"""Running scripts on a node: POSIX sh, fed on stdin, so that nothing is on a command line."""

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
from hadeploy.remote.script_errors import cut_short, lost, senseless, too_much
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
from hadeploy.scripts.lines import TooMuchError
from hadeploy.scripts.protocol import Message, Reply, ReplyParser

# How long a script may take in all, however many signs of life it gives, unless it says otherwise.
SCRIPT_SECONDS = 600.0
# One that changes a node: it stops containers (haproxy.stop_timeout is an hour at most), and waits
# for backends and for VRRP after each step.
CHANGE_SECONDS = 3 * 3600.0
# To load an image through a slow line.
FEED_SECONDS = 3 * 3600.0
# What sudo says before the command begins, lectures and banners included.
MOST_OF_A_GREETING = 256 * 1024
# How long a server that refuses a channel is asked again: with MaxSessions 1, until it has closed
# the last one, or until a renewal of the lock is over.
CHANNEL_SECONDS = 20.0


@dataclass(frozen=True)
class Session:
    """An open connection to one node.

    Attributes:
        node: its label.
        connection: the open fabric connection.
        sudo: whether scripts run through sudo.
        silence: seconds that a script may stay without a sign of life.
        password: sent to sudo where it asks for one.
    """

    node: str
    connection: Connection
    sudo: bool
    silence: float
    password: SecretStr | None = None
    manner: SudoState = field(default_factory=SudoState)

    def latency(self, times: int) -> float:
        """Seconds that a message takes one way: half of the quickest round trip.

        Args:
            times: how many round trips to make.

        Raises:
            HadeployError: the connection is gone.
        """
        transport = self.connection.transport
        quickest = float("inf")
        for _ in range(times):
            started = time.monotonic()
            try:
                # What a server does not know it answers, too (RFC 4254, section 4).
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
        """How scripts run as root, in words."""
        if not self.sudo:
            return "as whom we log in"
        return f"by sudo, {'with the' if self.manner.asked else 'without a'} password"

    def become_root(self) -> None:
        """Do nothing as root, to see whether sudo takes the password.

        Raises:
            HadeployError: it does not.
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
        """Run a script as root and collect what it reports.

        The script reports through `emit` (see lib/report.sh); any other output is kept as noise
        and shown only if something fails. Feeding it on stdin works under every login shell.

        Args:
            script: POSIX sh, without the reporting prelude.
            operation: for error messages: "observing", "applying".
            on_message: called with each message as it arrives.
            on_line: called with each line below a message, which is then not kept.
            patient: whether a server that refuses a channel beside another one is asked again.
            seconds: how long it may take in all, however many signs of life it gives.

        Raises:
            PermanentError: the connection or sudo failed, the script stayed silent for too long,
                said or took too much, said what no script says, or ended without its closing
                message; it may have begun.
        """
        token = secrets.token_hex(8)
        source = f"HD_TOKEN={token}\n{script}\n".encode()
        timed = self._begin("sh", len(source), operation, patient=patient, seconds=seconds)
        with timed.channel:
            self._send(timed, [source])
            hearing = ReplyParser(token, on_message, on_line)
            for line in timed.lines(endless=on_line is not None):
                try:
                    hearing.hear(line)
                except MalformedError as error:
                    raise senseless(self.node, operation, str(error)) from error
                except TooMuchError as error:
                    raise too_much(self.node, operation, str(error)) from error
            code = timed.exit_status()
        if not hearing.ended:
            begun, terminal = bool(hearing.messages), self.manner.terminal
            if not begun and not terminal and insists_on_terminal(hearing.tail):
                # Safe: sudo began nothing.
                self.manner.terminal = True
                return self.run(
                    script,
                    operation=operation,
                    on_message=on_message,
                    on_line=on_line,
                    patient=patient,
                    seconds=seconds,
                )
            raise self._ended(operation, code, hearing.tail, begun=begun)
        return Reply(tuple(hearing.messages[:-1]), code)

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
            command: runs under sudo where needed; must hold nothing secret.
            source: opened for reading, and as long as its file.
            operation: for error messages.
            on_sent: called with the number of bytes just sent.

        Returns:
            What the command printed.

        Raises:
            HadeployError: the command failed, took nothing for too long, or did not end within
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
        """Give a command its input; one that ends before it has read everything says itself why."""
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
        """Start a command as root; it reads what is sent from then on."""
        if self.manner.refused:
            raise self.manner.refused
        if not self.sudo:
            return self._timed(self.start(command, operation, patient=patient), operation, seconds)
        if not self.password and not self.manner.terminal:
            # It is sent at once: one round trip less, and what sudo refuses nobody reads.
            channel = self.start(f"{SUDO} -n -- {command}", operation, patient=patient)
            return self._timed(channel, operation, seconds)
        asked, said = self._ask(command, size, operation, patient=patient)
        if asked is None and insists_on_terminal(said) and not self.manner.terminal:
            self.manner.terminal = True
            asked, said = self._ask(command, size, operation, patient=patient)
        if asked is None:
            raise self._ended(operation, 1, said, begun=False)
        return self._timed(asked, operation, seconds, said.encode("utf-8", "surrogateescape"))

    def _timed(
        self, channel: paramiko.Channel, operation: str, seconds: float, early: bytes = b""
    ) -> TimedChannel:
        return TimedChannel(channel, self.node, operation, self.silence, seconds, early)

    def _ask(
        self, command: str, size: int, operation: str, *, patient: bool
    ) -> tuple[paramiko.Channel | None, str]:
        """Come to an understanding with sudo.

        Returns:
            The channel and what the command said already; or None and what sudo said instead.
        """
        terminal = self.manner.terminal
        handshake = Handshake.new()
        line = handshake.command(command, size if terminal else None)
        channel = self.start(line, operation, patient=patient, terminal=terminal)
        said, answered, heard = b"", False, PromptState.NOTHING
        try:
            for chunk in self._timed(channel, operation, SCRIPT_SECONDS).chunks():
                said += chunk
                if len(said) > MOST_OF_A_GREETING:
                    raise too_much(self.node, operation, "sudo says too much")
                heard = handshake.heard(said, answered)
                if heard is PromptState.READY:
                    early = handshake.after(said)
                    return channel, early.decode("utf-8", "surrogateescape")
                if heard is PromptState.ASKS:
                    if answered or not self.password:
                        break
                    answered = self.manner.asked = True
                    channel.sendall(self.password.get_secret_value().encode() + b"\n")
        except BaseException:
            channel.close()
            raise
        channel.close()
        words = handshake.before(said)
        if heard is PromptState.ASKS:
            words += "\nSorry, try again" if answered else "\na password is required"
        if answered and (refused := refusal(words, self.node, operation)):
            self.manner.refused = refused
            raise refused
        return None, words

    def start(
        self, command: str, operation: str, *, patient: bool, terminal: bool = False
    ) -> paramiko.Channel:
        """Start a command as the user that logs in; the caller closes the channel.

        Raises:
            HadeployError: the server opens no channel, or the connection is gone.
        """
        transport = self.connection.transport
        until = time.monotonic() + (CHANNEL_SECONDS if patient else 0)
        try:
            # Safe to try again: a channel that was refused has run nothing.
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
                f"the SSH server opens no session ({error.text})",
                node=self.node,
                operation=operation,
                hint="does its MaxSessions allow at least 1?",
                code=ExitCode.UNREACHABLE if operation == "observing" else ExitCode.FAILED,
            ) from error

    def _ended(self, operation: str, code: int, output: str, *, begun: bool) -> PermanentError:
        refused = None if begun or not self.sudo else refusal(output, self.node, operation)
        if code == -1 and not refused:
            return lost(self.node, operation, ConnectionError("closed by the node"))
        return refused or cut_short(self.node, operation, code, output, sudo=self.sudo, begun=begun)
