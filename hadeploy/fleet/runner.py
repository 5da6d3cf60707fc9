"""Run the command of each cluster of a fleet in its own process, several at a time."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import tempfile
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from typing import IO, Protocol

from hadeploy.errors import ExitCode, HadeployError
from hadeploy.fleet.member import ClusterResult, Member
from hadeploy.fleet.messages import errors_in
from hadeploy.fleet.verdict import failed

# A terminal sends SIGINT and SIGHUP; CI and Kubernetes send SIGTERM.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# With these, rich assumes a terminal and redraws lines.
TERMINAL_VARIABLES = ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE")


class Listener(Protocol):
    """Receives events, all in one thread."""

    def line(self, member: Member, text: str) -> None:
        """The process of a cluster has printed a line for the user."""

    def ended(self, result: ClusterResult) -> None:
        """The process of a cluster has ended."""

    def interrupted(self) -> None:
        """All running processes have been interrupted."""


class Fleet:
    """Runs commands on clusters.

    Args:
        arguments: the arguments of each cluster's command, in the order in which they start.
        command_line: makes the command line of a process from the file descriptor of a pipe, which
            closes when this process ends, and from the arguments.
        listener: receives the events.
        concurrency: the number of processes at a time.
        fail_fast: whether to start no further cluster after a failure.
    """

    def __init__(
        self,
        arguments: Mapping[Member, list[str]],
        command_line: Callable[[int, list[str]], list[str]],
        listener: Listener,
        *,
        concurrency: int,
        fail_fast: bool,
    ) -> None:
        self._todo = deque(arguments.items())
        self._results = {member: ClusterResult(member) for member in arguments}
        self._running: set[Process] = set()
        self._command_line = command_line
        self._listener = listener
        self._concurrency = concurrency
        self._fail_fast = fail_fast
        self.interrupted = False

    def run(self) -> list[ClusterResult]:
        """Run all commands, and leave no process behind.

        Returns:
            The results, in the order of the arguments.
        """
        lifeline, write_end = os.pipe()
        try:
            asyncio.run(self._all(lifeline))
        finally:
            os.close(write_end)
            os.close(lifeline)
        return list(self._results.values())

    async def _all(self, lifeline: int) -> None:
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            # A run under nohup or in the background keeps ignoring the signal.
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, self._interrupt)
        await asyncio.gather(*(self._work(lifeline) for _ in range(self._concurrency)))

    async def _work(self, lifeline: int) -> None:
        while self._todo:
            member, words = self._todo.popleft()
            result = await self._one(member, self._command_line(lifeline, words), lifeline)
            self._results[member] = result
            if self._fail_fast and failed(result.code):
                self._todo.clear()
            self._listener.ended(result)

    async def _one(self, member: Member, command: list[str], lifeline: int) -> ClusterResult:
        started = time.monotonic()
        with tempfile.TemporaryFile() as output:
            process = await self._start(command, output, lifeline)
            self._running.add(process)
            if self.interrupted:
                # The signal arrived while this process started.
                _interrupt(process)
            errors: list[HadeployError] = []
            try:
                async for line in _lines(process):
                    received = errors_in(line)
                    if received is None:
                        self._listener.line(member, line)
                    else:
                        errors += received
                code = await process.wait()
            finally:
                self._running.discard(process)
                if process.returncode is None:
                    _interrupt(process)
                    await process.communicate()
            seconds = time.monotonic() - started
            output.seek(0)
            text = output.read().decode(errors="replace")
        if code < 0 and code != -signal.SIGINT:
            errors.append(_killed(signal.Signals(-code)))
        return ClusterResult(
            member, _exit_code(code), seconds=seconds, output=text, errors=tuple(errors)
        )

    async def _start(self, command: list[str], output: IO[bytes], lifeline: int) -> Process:
        environment = {k: v for k, v in os.environ.items() if k not in TERMINAL_VARIABLES}
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=DEVNULL,
            stdout=output,
            stderr=PIPE,
            pass_fds=[lifeline],
            # Ctrl-C reaches every process of the foreground process group. This one forwards it.
            start_new_session=True,
            env={**environment, "PYTHONIOENCODING": "utf-8"},
        )

    def _interrupt(self) -> None:
        self.interrupted = True
        self._todo.clear()
        for process in self._running:
            _interrupt(process)
        self._listener.interrupted()


def _interrupt(process: Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGINT)


async def _lines(process: Process) -> AsyncIterator[str]:
    """The lines of its stderr, without a limit on their length."""
    rest = b""
    while process.stderr and (chunk := await process.stderr.read(1 << 16)):
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line.decode(errors="replace")
    if rest:
        yield rest.decode(errors="replace")


def _exit_code(code: int) -> int:
    if code == -signal.SIGINT:
        return ExitCode.INTERRUPTED
    return code if code >= 0 else ExitCode.FAILED


def _killed(number: signal.Signals) -> HadeployError:
    return HadeployError(
        f"the process was killed by {number.name}",
        hint="the current node finishes or restores its part by itself; run the command again",
    )
