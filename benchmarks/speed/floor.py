"""The floor: OpenSSH, to all nodes at once, running the very script that hadeploy sends."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.command import Done, cpu_of_children
from hadeploy.errors import HadeployError

_TOKEN = "bench"
_SECONDS = 600


class RawSsh:
    """The same read-only script on all nodes at once.

    Args:
        config: of ssh, which names the nodes.
        nodes: their names there.
        script: from `observation_script`.
        folder: for what is sent and answered.
    """

    def __init__(self, config: Path, nodes: Sequence[str], script: str, folder: Path) -> None:
        self._commands = [["ssh", "-F", str(config), node, "sh"] for node in nodes]
        self._source = folder / "observation.sh"
        self._source.write_text(f"HD_TOKEN={_TOKEN}\n{script}\n")

    def finish(self) -> Done:
        """Run it, and see that each node has come to its last word.

        Raises:
            HadeployError: one has not.
        """
        done, answers = at_once(self._commands, self._source)
        if done.code or not all(answer.rstrip().endswith(f"@{_TOKEN} end") for answer in answers):
            raise HadeployError(
                f"exit code {done.code}",
                operation="observing with raw ssh",
                detail=done.err[-2000:],
            )
        return done


def at_once(commands: Sequence[Sequence[str]], source: Path) -> tuple[Done, list[str]]:
    """Run commands of this machine at the same time, each with the same input.

    Args:
        commands: no shell is in between.
        source: a file.

    Returns:
        How long it took until the last had ended, the worst exit code, and what each printed.
    """
    with ExitStack() as files:
        outs = [files.enter_context(tempfile.TemporaryFile()) for _ in commands]
        errs = files.enter_context(tempfile.TemporaryFile())
        before, started = cpu_of_children(), time.perf_counter()
        running: list[subprocess.Popen[bytes]] = []
        try:
            for command, out in zip(commands, outs, strict=True):
                with source.open("rb") as text:
                    running.append(subprocess.Popen(command, stdin=text, stdout=out, stderr=errs))
            codes = [process.wait(timeout=_SECONDS) for process in running]
        finally:
            for process in running:
                if process.poll() is None:
                    process.kill()
                    process.wait()
        seconds, cpu = time.perf_counter() - started, cpu_of_children() - before
        answers = []
        for file in (*outs, errs):
            file.seek(0)
            answers.append(file.read().decode(errors="replace"))
        *said, complaints = answers
        return Done(seconds, cpu, max(codes, key=abs), err=complaints), said
