"""The process that holds a lock, so that nothing waits for the lock of a dead run."""

from __future__ import annotations

import os
import re
from pathlib import Path


def this_process() -> str:
    """The identity of this process: boot, PID namespace, PID, start time (proc(5)).

    Returns:
        Words joined by colons; "" without /proc.
    """
    return identity_of(os.getpid()) or ""


def identity_of(pid: int) -> str | None:
    """The identity of another process of this machine; None if it does not run."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        namespace = str(Path("/proc/self/ns/pid").readlink())
        # The second field is a name in parentheses, which can contain anything.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    zombie, started = fields[0] == "Z", fields[19]
    return None if zombie else f"{boot}:{namespace.strip('pid:[]')}:{pid}:{started}"


def is_dead(identity: str) -> bool:
    """Whether it was a process of this machine that no longer runs.

    Args:
        identity: from `this_process` of any machine.
    """
    mine, words = this_process().split(":"), identity.split(":")
    same_machine = len(words) == len(mine) == 4 and words[:2] == mine[:2]
    if not same_machine or not re.fullmatch("[0-9]{1,9}", words[2]):
        return False
    pid = int(words[2])
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        # A process of another user, which /proc may hide (hidepid, proc(5)).
        found = identity_of(pid)
        return found is not None and found != identity
    return identity_of(pid) != identity
