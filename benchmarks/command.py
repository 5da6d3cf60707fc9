"""Commands of this machine: how long they took, and what they cost."""

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
    """A command that has ended.

    Attributes:
        seconds: from its start to its end.
        cpu: seconds of this machine's processors, of it and of all that it waited for.
        code: its exit code.
        out: what it printed.
        err: what it complained of.
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
        argv: no shell is in between.
        environment: added to ours.
        folder: to run it in.
    """

    argv: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    folder: Path | None = None

    def also(self, *words: str) -> Command:
        """The same with more words at its end."""
        return Command((*self.argv, *words), self.environment, self.folder)

    def finish(self) -> Done:
        """Run it to its end.

        It is in a session of its own. When we are interrupted it is, too, and may put things right.
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
        """Run it; what went wrong, or nothing."""
        done = self.finish()
        if not done.code:
            return ""
        said = f"{done.out}\n{done.err}"
        print(said, file=sys.stderr)
        return f"exit code {done.code}: {reason(said)}"


def reason(said: str) -> str:
    """The line that best tells why a command failed; pure.

    Args:
        said: all that it printed.
    """
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if re.search(r"\b(error|fatal)\b", line, re.IGNORECASE)]
    return (errors or lines or ["without a word"])[-1][:200]


def cpu_of_children() -> float:
    """Seconds of processor time of all children that were waited for, and of theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
