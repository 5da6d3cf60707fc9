"""Who listens on a port, as a node's shell sees it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys

from hadeploy.shell.compose import compose


def one_listens(port: int) -> bool:
    script = compose(
        "ports.sh", variables={"HD_TOKEN": "t", "HD_CLUSTER": "c"}, main=f"one_listens {port}"
    )
    return subprocess.run(["sh"], input=script, text=True, timeout=30, check=False).returncode == 0


def test_a_worker_that_has_not_left_is_seen_and_a_frozen_one_is_woken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port, inherited = listener.getsockname()[1], listener.fileno()
        assert one_listens(port)
        wait = "import sys; print(flush=True); sys.stdin.read()"
        with subprocess.Popen(
            [sys.executable, "-c", wait],
            pass_fds=[inherited],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as other:
            assert other.stdout
            other.stdout.readline()
            assert not one_listens(port)
            other.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, other.pid, os.WSTOPPED)
            assert not one_listens(port)
            assert os.waitid(os.P_PID, other.pid, os.WCONTINUED | os.WNOHANG)
        assert one_listens(port)
    assert not one_listens(port)
