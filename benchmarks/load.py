"""Generate load on this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

BUSY = "while :; do :; done"
FORKS = "while :; do /bin/true; done"
# Each block is written to the disk before the next one.
WRITES = "while :; do dd if=/dev/zero of={file} bs=4k count=2000 oflag=dsync; done"
# Writes to its memory continuously, and is the first process that the kernel kills.
MEMORY = """
import mmap
open("/proc/self/oom_score_adj", "w").write("1000")
memory = mmap.mmap(-1, {size})
block = 2**20 * b"x"
while True:
    for begin in range(0, {size} - len(block), len(block)):
        memory[begin : begin + len(block)] = block
"""
MEMORY_PROCESSES = 4
# Bytes that remain for other processes.
FREE_BYTES = 1_600_000_000


def _busy(_: Path) -> list[list[str]]:
    return 40 * [["sh", "-c", BUSY]]


def _forks(_: Path) -> list[list[str]]:
    return 40 * [["sh", "-c", FORKS]]


def _disk(folder: Path) -> list[list[str]]:
    return [["sh", "-c", WRITES.format(file=folder / str(i))] for i in range(6)]


def _memory(_: Path) -> list[list[str]]:
    size = max(0, available() - FREE_BYTES) // MEMORY_PROCESSES
    return MEMORY_PROCESSES * [[sys.executable, "-c", MEMORY.format(size=size)]]


def _mixture(folder: Path) -> list[list[str]]:
    return [*_busy(folder)[:20], *_forks(folder)[:10], *_disk(folder)[:4], *_memory(folder)]


# Description in the document → commands.
LOADS: dict[str, Callable[[Path], list[list[str]]]] = {
    "40 busy loops": _busy,
    "40 shells that start a program for ever": _forks,
    "6 writers that sync each block": _disk,
    "memory, all but 1.6 GB in use": _memory,
    "20 busy loops, 10 shells, 4 writers, memory": _mixture,
}


@contextmanager
def load(kind: str) -> Iterator[None]:
    """Generate load for the duration of the block.

    Args:
        kind: one of LOADS.
    """
    # Not in /tmp, which may be a tmpfs.
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="load-") as folder:
        running: list[subprocess.Popen[bytes]] = []
        try:
            for command in LOADS[kind](Path(folder)):
                running.append(
                    subprocess.Popen(
                        command,
                        stdout=subprocess.DEVNULL,
                        stderr=subprocess.DEVNULL,
                        start_new_session=True,
                    )
                )
            yield
        finally:
            for process in running:
                os.killpg(process.pid, signal.SIGKILL)
            for process in running:
                process.wait()


def available() -> int:
    """The bytes of available memory (MemAvailable, proc_meminfo(5))."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("MemAvailable:"))
    return int(line.split()[1]) * 1024
