"""A process for each cluster of a fleet, some at a time: signals and consoles are its own."""

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

# The terminal's Ctrl-C and its end, and what CI and Kubernetes send.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Rich takes these as a terminal's, and would draw in place.
TERMINAL_VARIABLES = ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE")


class Listener(Protocol):
    """Told what happens; all in one thread."""

    def line(self, member: Member, text: str) -> None:
        """A cluster's process has printed a line for people."""

    def ended(self, ending: ClusterResult) -> None:
        """A cluster has come to its end."""

    def interrupted(self) -> None:
        """Everything under way was told to end."""


class Fleet:
    """Runs commands on clusters.

    Args:
        orders: the words of each cluster's command, in the order in which they are begun.
        command_line: what starts the process of a cluster, given the file descriptor of a pipe that
            ends when this process does, and the words of the command.
        listener: told what happens.
        most: how many at a time.
        fail_fast: whether none is begun after one has failed.
    """

    def __init__(
        self,
        orders: Mapping[Member, list[str]],
        command_line: Callable[[int, list[str]], list[str]],
        listener: Listener,
        *,
        most: int,
        fail_fast: bool,
    ) -> None:
        self._todo = deque(orders.items())
        self._endings = {member: ClusterResult(member) for member in orders}
        self._running: set[Process] = set()
        self._command_line = command_line
        self._listener = listener
        self._most = most
        self._fail_fast = fail_fast
        self.interrupted = False

    def run(self) -> list[ClusterResult]:
        """Run them all, and leave no process behind.

        Returns:
            How each ended, in the order of the orders.
        """
        lifeline, ours = os.pipe()
        try:
            asyncio.run(self._all(lifeline))
        finally:
            os.close(ours)
            os.close(lifeline)
        return list(self._endings.values())

    async def _all(self, lifeline: int) -> None:
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            # A run that was started with nohup or in the background stays so.
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, self._interrupt)
        await asyncio.gather(*(self._work(lifeline) for _ in range(self._most)))

    async def _work(self, lifeline: int) -> None:
        while self._todo:
            member, words = self._todo.popleft()
            ending = await self._one(member, self._command_line(lifeline, words), lifeline)
            self._endings[member] = ending
            if self._fail_fast and failed(ending.code):
                self._todo.clear()
            self._listener.ended(ending)

    async def _one(self, member: Member, command: list[str], lifeline: int) -> ClusterResult:
        started = time.monotonic()
        with tempfile.TemporaryFile() as said:
            process = await self._start(command, said, lifeline)
            self._running.add(process)
            if self.interrupted:
                # It came while this one was being started.
                _interrupt(process)
            errors: list[HadeployError] = []
            try:
                async for line in _lines(process):
                    told = errors_in(line)
                    if told is None:
                        self._listener.line(member, line)
                    else:
                        errors += told
                code = await process.wait()
            finally:
                self._running.discard(process)
                if process.returncode is None:
                    _interrupt(process)
                    await process.communicate()
            seconds = time.monotonic() - started
            said.seek(0)
            text = said.read().decode(errors="replace")
        if code < 0 and code != -signal.SIGINT:
            errors.append(_cut_off(signal.Signals(-code)))
        return ClusterResult(
            member, _exit_code(code), seconds=seconds, said=text, errors=tuple(errors)
        )

    async def _start(self, command: list[str], said: IO[bytes], lifeline: int) -> Process:
        environment = {k: v for k, v in os.environ.items() if k not in TERMINAL_VARIABLES}
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=DEVNULL,
            stdout=said,
            stderr=PIPE,
            pass_fds=[lifeline],
            # Ctrl-C in a terminal goes to every process of the group; here, by way of us alone.
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
    """What it writes to stderr, line by line, however long they are."""
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


def _cut_off(number: signal.Signals) -> HadeployError:
    return HadeployError(
        f"its process was ended by {number.name}",
        hint="the current node finishes or restores its part by itself; run the command again",
    )
