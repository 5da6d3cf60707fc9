"""A lab's processes: which of them live."""

from __future__ import annotations

import os
import subprocess
import sys

from hadeploy.lab import processes


def test_a_process_that_lives() -> None:
    found = processes.read_process(os.getpid())
    assert found is not None
    assert found.inner_pid == os.getpid()


def test_a_zombie_process_does_not_count_as_running() -> None:
    with subprocess.Popen((sys.executable, "-c", "")) as child:
        # Returns when it has ended, and leaves it a zombie.
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert processes.read_process(child.pid) is None
