"""A lab's processes, known by the network namespace that they live in, never by name or memory.

The namespace is a kernel object that has the lab's name, so this holds after a crash, after the
state folder was lost, and for processes that nobody wrote down. Each process is pinned by a pidfd,
and its start time compared, before it is signalled: a recycled pid is never hit.
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
    """A process as this machine sees it.

    Args:
        pid: its number in our PID namespace.
        start: its start time in clock ticks since boot; with the pid, its identity.
        depth: how many PID namespaces it is in, from ours down.
        inner_pid: its number in the innermost one.
    """

    pid: int
    start: int
    depth: int
    inner_pid: int


def parse_stat(stat: str) -> tuple[str, int]:
    """State and start time out of /proc/PID/stat; the command in it may hold blanks and brackets.

    Returns:
        The state's letter, and clock ticks since boot (proc(5)).
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
    """Look a process up; None if there is none, or it has ended and only waits to be collected."""
    folder = Path("/proc") / str(pid)
    try:
        state, start = parse_stat((folder / "stat").read_text(errors="replace"))
        pids = parse_inner_pids((folder / "status").read_text(errors="replace"))
    except (OSError, ValueError, IndexError):
        return None
    # A zombie keeps its pid and start time until its parent, or this machine's PID 1, looks at it.
    return Process(pid, start, len(pids), pids[-1]) if pids and state not in "ZX" else None


def same_namespace(process: str | int, kind: str, reference: Path) -> bool:
    """Whether a process ("self" or a pid) is in the namespace that a file stands for."""
    try:
        return os.path.samestat(
            (Path("/proc") / str(process) / "ns" / kind).stat(), reference.stat()
        )
    except OSError:
        return False


def in_network(netns: Path) -> list[Process]:
    """All live processes in a network namespace, ourselves excepted."""
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
    """The live processes that boot nodes whose files are below a folder."""
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
    """The node's PID 1: number one of a PID namespace exactly one below ours."""
    own = read_process(os.getpid())
    depth = own.depth + 1 if own else 2
    for process in in_network(netns):
        if process.inner_pid == 1 and process.depth == depth:
            return process
    return None


def kill(process: Process, number: signal.Signals = signal.SIGKILL) -> None:
    """Signal exactly this process; nothing happens if it has gone."""
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
    """End everything that lives in a network namespace, at once, as a power cut does.

    Raises:
        HadeployError: something was still there after 20 s.
    """
    _kill_all(lambda: in_network(netns), node=node)


def kill_booting(folder: Path) -> None:
    """End what boots nodes whose files are below a folder, wherever it is.

    Raises:
        HadeployError: something was still there after 20 s.
    """
    _kill_all(lambda: booting(folder), node=None)


def _kill_all(find: Callable[[], list[Process]], *, node: str | None) -> None:
    def gone() -> bool:
        left = find()
        # PID 1 first: with it the kernel ends all of its namespace in one go.
        for process in sorted(left, key=lambda p: (p.inner_pid != 1, p.depth)):
            kill(process)
        return not left

    wait_until(gone, what="its processes to end", timeout=20, node=node)
