"""Start and stop the stand-in API servers; `standin_api` is the server itself."""

from __future__ import annotations

import json
import signal
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hadeploy.lab import processes, standin_api
from hadeploy.lab.certificate import CertificateSpec, private_key_and_certificate
from hadeploy.lab.tools import start_detached
from hadeploy.lab.waiting import wait_until

PORT = 6443


@dataclass(frozen=True)
class ApiServerSettings:
    """The answers of a stand-in API server.

    Attributes:
        tls: its certificate; None for plain HTTP.
        readyz: the HTTP status of /readyz, /livez and /healthz.
        unknown: the HTTP status of unknown paths.
    """

    tls: CertificateSpec | None = None
    readyz: int = 200
    unknown: int = 404


class ApiServer:
    """The stand-in API server of one node.

    It runs in the network and PID namespaces of the node, so it ends with the node. It uses the
    files of this machine, because the node may hide the path of the Python interpreter.

    Args:
        node: the name of the node, which is its answer.
        folder: of its pid file and log.
    """

    def __init__(self, node: str, folder: Path) -> None:
        self.node = node
        self._pidfile = folder / "apiserver.pid"
        self._log = folder / "apiserver.log"
        self._certificate = folder / "apiserver.pem"
        self._settings = folder / "apiserver.json"

    def process(self) -> processes.Process | None:
        """The running process, identified by pid and start time; None if there is none."""
        try:
            pid, start = map(int, self._pidfile.read_text().split())
        except (OSError, ValueError):
            return None
        found = processes.read_process(pid)
        return found if found and found.start == start else None

    def start(self, init: processes.Process, settings: ApiServerSettings | None = None) -> None:
        """Start it unless it runs with these settings; return when it listens.

        Args:
            init: PID 1 of the node.
            settings: its answers; None for the last ones.

        Raises:
            HadeployError: it did not listen within 15 s.
        """
        kept = self._kept()
        wanted = kept["settings"] if settings is None else _as_json(settings)
        if self.process():
            if kept["settings"] == wanted:
                return
            self.stop()
        self._pidfile.unlink(missing_ok=True)
        options = kept["options"] if settings is None else self._options(settings)
        self._settings.write_text(json.dumps({"settings": wanted, "options": options}))
        script = str(Path(standin_api.__file__).resolve())
        python = (sys.executable, "-I", "-S", script, self.node, str(PORT), str(self._pidfile))
        start_detached(
            ("nsenter", f"--target={init.pid}", "--net", "--pid", *python, *options),
            operation=f"starting {self.node}'s stand-in API server",
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

    def _kept(self) -> dict[str, Any]:
        """The last settings, and the command line options for them."""
        if not self._settings.exists():
            return {"settings": _as_json(ApiServerSettings()), "options": []}
        kept: dict[str, Any] = json.loads(self._settings.read_text())
        return kept

    def _options(self, settings: ApiServerSettings) -> list[str]:
        options = [f"--readyz={settings.readyz}", f"--unknown={settings.unknown}"]
        if settings.tls:
            self._certificate.touch(mode=0o600)
            self._certificate.write_bytes(private_key_and_certificate(settings.tls))
            options.append(f"--certificate={self._certificate}")
        return options

    def stop(self) -> None:
        """Stop it if it runs; return when its port is free.

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


def _as_json(settings: ApiServerSettings) -> dict[str, Any]:
    """The settings as read back from JSON, with lists instead of tuples."""
    document: dict[str, Any] = json.loads(json.dumps(asdict(settings)))
    return document
