"""Starting and stopping the stand-in API servers (the server itself is `standin_api`)."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from hadeploy.lab import processes, standin_api
from hadeploy.lab.tools import start_detached
from hadeploy.lab.waiting import wait_until

PORT = 6443


class ApiServer:
    """One node's stand-in API server.

    It lives in the node's network and PID namespaces, so that it dies with the node, but sees this
    machine's files: the Python that runs us may be anywhere, also where a node has its own files.

    Args:
        node: its node's name, which is what it answers.
        folder: where its pid file and log are.
    """

    def __init__(self, node: str, folder: Path) -> None:
        self.node = node
        self._pidfile = folder / "apiserver.pid"
        self._log = folder / "apiserver.log"

    def process(self) -> processes.Process | None:
        """The running process, identified by pid and start time; None if there is none."""
        try:
            pid, start = map(int, self._pidfile.read_text().split())
        except (OSError, ValueError):
            return None
        found = processes.read_process(pid)
        return found if found and found.start == start else None

    def start(self, init: processes.Process) -> None:
        """Start it unless it runs; returns when it listens.

        Args:
            init: the node's PID 1.

        Raises:
            HadeployError: it did not listen within 15 s.
        """
        if self.process():
            return
        self._pidfile.unlink(missing_ok=True)
        script = str(Path(standin_api.__file__).resolve())
        python = (sys.executable, "-I", "-S", script, self.node, str(PORT), str(self._pidfile))
        start_detached(
            ("nsenter", f"--target={init.pid}", "--net", "--pid", *python),
            doing=f"starting {self.node}'s stand-in API server",
            log=self._log,
            append=True,
        )
        wait_until(
            lambda: self.process() is not None,
            what=f"the stand-in API server to listen on {PORT}",
            timeout=15,
            node=self.node,
            detail=lambda: self._log.read_text(errors="replace")[-2000:],
        )

    def stop(self) -> None:
        """End it, unless it does not run; returns when its port is free.

        Raises:
            HadeployError: it did not end within 10 s.
        """
        process = self.process()
        if process:
            processes.kill(process, signal.SIGKILL)
            wait_until(
                lambda: self.process() is None,
                what="the stand-in API server to end",
                timeout=10,
                node=self.node,
            )
