"""The reference: OpenSSH runs hadeploy's read-only script on all nodes in parallel."""

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
    """The read-only script on all nodes in parallel.

    Args:
        config: of ssh, with the nodes.
        nodes: their names in it.
        script: from `observation_script`.
        folder: for temporary files.
    """

    def __init__(self, config: Path, nodes: Sequence[str], script: str, folder: Path) -> None:
        self._commands = [["ssh", "-F", str(config), node, "sh"] for node in nodes]
        self._source = folder / "observation.sh"
        self._source.write_text(f"HD_TOKEN={_TOKEN}\n{script}\n")

    def finish(self) -> Done:
        """Run it, and verify that the script ended on each node.

        Raises:
            HadeployError: it did not.
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
    """Run commands on this machine in parallel, each with the same input.

    Args:
        commands: without a shell.
        source: the file with the input.

    Returns:
        The total time, the worst exit code, and the output of each.
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
        *outputs, errors = answers
        return Done(seconds, cpu, max(codes, key=abs), err=errors), outputs
