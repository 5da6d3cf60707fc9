"""Run commands on this machine, and measure their time and CPU time."""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

_COMMAND_SECONDS = 600
_GRACE_SECONDS = 30


@dataclass(frozen=True)
class Done:
    """The result of a command.

    Attributes:
        seconds: from its start to its end.
        cpu: seconds of CPU time on this machine, including its children.
        code: its exit code.
        out: its stdout.
        err: its stderr.
    """

    seconds: float
    cpu: float
    code: int
    out: str = ""
    err: str = ""


@dataclass(frozen=True)
class Command:
    """A command of this machine.

    Args:
        argv: the command, without a shell.
        environment: added to the environment of this process.
        folder: the working directory.
    """

    argv: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    folder: Path | None = None

    def also(self, *words: str) -> Command:
        """The command with more arguments."""
        return Command((*self.argv, *words), self.environment, self.folder)

    def finish(self) -> Done:
        """Run it to its end.

        It runs in its own session. An interrupt of this process interrupts it and gives it time to
        clean up.
        """
        before, started = cpu_of_children(), time.perf_counter()
        process = subprocess.Popen(
            self.argv,
            cwd=self.folder,
            env=os.environ | self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            out, err = process.communicate(timeout=_COMMAND_SECONDS)
        except BaseException:
            os.killpg(process.pid, signal.SIGINT)
            try:
                process.communicate(timeout=_GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
            raise
        seconds = time.perf_counter() - started
        return Done(seconds, cpu_of_children() - before, process.returncode, out, err)

    def run(self) -> str:
        """Run it; return the error, or ""."""
        done = self.finish()
        if not done.code:
            return ""
        output = f"{done.out}\n{done.err}"
        print(output, file=sys.stderr)
        return f"exit code {done.code}: {reason(output)}"


def reason(output: str) -> str:
    """The line of the output that best explains why a command failed. Pure."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if re.search(r"\b(error|fatal)\b", line, re.IGNORECASE)]
    return (errors or lines or ["no output"])[-1][:200]


def cpu_of_children() -> float:
    """The seconds of CPU time of all ended children and their descendants."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
