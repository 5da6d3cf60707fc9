"""A lab's processes, identified by their network namespace.

The namespace has the name of the lab, so this works after a crash, without the state folder, and
for unrecorded processes. A signal uses a pidfd, and first compares the start time, so that it never
reaches another process with a reused pid.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hadeploy.lab.waiting import wait_until


@dataclass(frozen=True)
class Process:
    """A process.

    Args:
        pid: in this process's PID namespace.
        start: its start time in clock ticks since boot; with the pid, it identifies the process.
        depth: the number of its PID namespaces, starting with this process's.
        inner_pid: its pid in the innermost one.
    """

    pid: int
    start: int
    depth: int
    inner_pid: int


def parse_stat(stat: str) -> tuple[str, int]:
    """The state letter and start time in /proc/PID/stat (proc(5)), in clock ticks since boot.

    The command in it may contain spaces and parentheses.
    """
    fields = stat.rpartition(")")[2].split()
    return fields[0], int(fields[19])


def parse_inner_pids(status: str) -> tuple[int, ...]:
    """The NSpid line of /proc/PID/status: the pid in each namespace, the outermost first."""
    for line in status.splitlines():
        if line.startswith("NSpid:"):
            return tuple(int(number) for number in line.split()[1:])
    return ()


def read_process(pid: int) -> Process | None:
    """Read a process; None if it does not exist or is a zombie."""
    folder = Path("/proc") / str(pid)
    try:
        state, start = parse_stat((folder / "stat").read_text(errors="replace"))
        pids = parse_inner_pids((folder / "status").read_text(errors="replace"))
    except (OSError, ValueError, IndexError):
        return None
    # A zombie keeps its pid and start time until its parent waits for it.
    return Process(pid, start, len(pids), pids[-1]) if pids and state not in "ZX" else None


def same_namespace(process: str | int, kind: str, reference: Path) -> bool:
    """Whether a process ("self" or a pid) is in the namespace of a file."""
    try:
        return os.path.samestat(
            (Path("/proc") / str(process) / "ns" / kind).stat(), reference.stat()
        )
    except OSError:
        return False


def in_network(netns: Path) -> list[Process]:
    """All live processes in a network namespace, except this one."""
    if not netns.exists():
        return []
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        pid = int(entry.name)
        if pid != os.getpid() and same_namespace(pid, "net", netns):
            process = read_process(pid)
            if process:
                found.append(process)
    return found


def booting(folder: Path) -> list[Process]:
    """The live processes that boot nodes with files below a folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        try:
            words = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        boots = b"/node-init.sh" in words and os.fsencode(f"{folder}/") in words
        process = read_process(int(entry.name)) if boots else None
        if process:
            found.append(process)
    return found


def find_init(netns: Path) -> Process | None:
    """The node's PID 1: the first process of a PID namespace directly below this process's."""
    own = read_process(os.getpid())
    depth = own.depth + 1 if own else 2
    for process in in_network(netns):
        if process.inner_pid == 1 and process.depth == depth:
            return process
    return None


def kill(process: Process, number: signal.Signals = signal.SIGKILL) -> None:
    """Signal exactly this process; do nothing if it has ended."""
    try:
        pin = os.pidfd_open(process.pid)
    except OSError:
        return
    try:
        now = read_process(process.pid)
        if now and now.start == process.start:
            signal.pidfd_send_signal(pin, number)
    except ProcessLookupError:
        pass
    finally:
        os.close(pin)


def kill_network(netns: Path, *, node: str) -> None:
    """Kill all processes in a network namespace, like a power failure.

    Raises:
        HadeployError: a process was left after 20 s.
    """
    _kill_all(lambda: in_network(netns), node=node)


def kill_booting(folder: Path) -> None:
    """Kill the processes that boot nodes with files below a folder.

    Raises:
        HadeployError: a process was left after 20 s.
    """
    _kill_all(lambda: booting(folder), node=None)


def _kill_all(find: Callable[[], list[Process]], *, node: str | None) -> None:
    def gone() -> bool:
        left = find()
        # PID 1 first: then the kernel kills its whole namespace.
        for process in sorted(left, key=lambda p: (p.inner_pid != 1, p.depth)):
            kill(process)
        return not left

    wait_until(gone, what="its processes to end", timeout=20, node=node)
