"""A node: power it on and off, and run commands in it."""

from __future__ import annotations

import http.client
import socket
import subprocess
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from hadeploy.errors import HadeployError
from hadeploy.lab import cgroups, network, processes
from hadeploy.lab.addressing import Addressing
from hadeploy.lab.apiserver import ApiServer
from hadeploy.lab.disk import Disk
from hadeploy.lab.tools import CLEAN_ENVIRONMENT, start_detached
from hadeploy.lab.waiting import wait_until

BOOT_TIMEOUT = 60.0


class Node:
    """A node of a lab.

    Args:
        name: n1, n2, …
        addressing: the lab's names and addresses.
        folder: of the node's disk and logs.
        ipv6: whether it has an IPv6 address.
    """

    def __init__(self, name: str, addressing: Addressing, folder: Path, *, ipv6: bool) -> None:
        self.name = name
        self.folder = folder
        self.disk = Disk(folder / "disk")
        self.api = ApiServer(name, folder)
        self._addressing = addressing
        self._ipv6 = ipv6

    @property
    def address(self) -> str:
        """Its IPv4 address."""
        return str(self._addressing.node(self.name).v4.ip)

    @property
    def cgroup(self) -> str:
        """The control group of its containers."""
        return f"{self._addressing.prefix}/{self.name}"

    @property
    def dockerd(self) -> tuple[str, ...]:
        """The command of its Docker daemon, without a bridge and firewall rules."""
        return (
            "dockerd",
            "--host=unix:///run/docker.sock",
            "--pidfile=/run/docker.pid",
            "--exec-root=/run/docker",
            "--data-root=/var/lib/docker",
            "--bridge=none",
            "--iptables=false",
            "--ip6tables=false",
            "--exec-opt=native.cgroupdriver=cgroupfs",
            f"--cgroup-parent=/{self.cgroup}",
            # The lab's registry has no certificate.
            f"--insecure-registry={self._addressing.subnet}",
        )

    def init(self) -> processes.Process | None:
        """Its PID 1, or None if it is off."""
        return processes.find_init(network.namespace_file(self._addressing, self.name))

    def running_init(self) -> processes.Process:
        """Its PID 1.

        Raises:
            HadeployError: the node is off.
        """
        init = self.init()
        if init is None:
            raise HadeployError("the node is off", node=self.name, hint="hadeploy lab up")
        return init

    def boot(self) -> None:
        """Power it on and return at once (see `wait_ready`); its network must exist.

        Raises:
            HadeployError: it could not be started.
        """
        self.disk.write_layers()
        script = files("hadeploy.lab") / "node-init.sh"
        command = (
            "nsenter",
            f"--net={network.namespace_file(self._addressing, self.name)}",
            "unshare",
            "--mount",
            "--pid",
            "--uts",
            "--ipc",
            "--fork",
            "--propagation=private",
            "sh",
            str(script),
            str(self.disk.folder),
            self.name,
            *self.dockerd,
        )
        start_detached(command, operation=f"booting {self.name}", log=self.folder / "boot.log")

    def wait_ready(self) -> None:
        """Wait for PID 1, the SSH daemon and Docker, and start the stand-in API server.

        Raises:
            HadeployError: one of them was not ready within 60 s.
        """
        wait_until(
            lambda: self.init() is not None,
            what="its PID 1",
            timeout=10,
            node=self.name,
            detail=self._logs,
        )
        self.api.start(self.running_init())
        for what, ready in (("its SSH daemon", self.ssh_answers), ("Docker", self.docker_answers)):
            wait_until(ready, what=what, timeout=BOOT_TIMEOUT, node=self.name, detail=self._logs)

    def answers(self, *, within: float) -> bool:
        """Whether it runs, and its SSH daemon and Docker answer.

        Args:
            within: seconds for a running node to answer.
        """
        try:
            wait_until(
                lambda: not self.init() or (self.ssh_answers() and self.docker_answers()),
                what="SSH and Docker",
                timeout=within,
            )
        except HadeployError:
            return False
        return self.init() is not None

    def has_processes(self) -> bool:
        """Whether it has any processes."""
        return bool(processes.in_network(network.namespace_file(self._addressing, self.name)))

    def power_off(self) -> None:
        """Power it off: end all processes, and remove its network; its disk stays.

        Raises:
            HadeployError: something could not be removed.
        """
        scope = self._addressing.scope(self.name)
        processes.kill_network(network.namespace_file(self._addressing, self.name), node=self.name)
        network.unplug(scope)
        # As on a real machine; Docker fails with stale control groups.
        cgroups.remove(self.cgroup)

    def exec_command(self, argv: Sequence[str]) -> list[str]:
        """A command for this machine that runs a command in the node, as root, in /.

        Raises:
            HadeployError: the node is off.
        """
        target = f"--target={self.running_init().pid}"
        return ["nsenter", target, "--mount", "--uts", "--ipc", "--net", "--pid", "--", *argv]

    def exec(
        self,
        argv: Sequence[str],
        *,
        check: bool = True,
        stdin: str | None = None,
        timeout: float = 120,
        env: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the node, without a shell.

        Args:
            argv: the command.
            check: whether a non-zero exit code is an error.
            stdin: text for its standard input.
            timeout: in seconds.
            env: added to a clean environment.

        Raises:
            HadeployError: it failed or timed out, or the node is off.
        """
        # A timeout inside the node, because killing nsenter would not end its child.
        limited = ("timeout", "--kill-after=1", f"{timeout:g}", *argv)
        done = subprocess.run(
            self.exec_command(limited),
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            env={**CLEAN_ENVIRONMENT, **(env or {})},
        )
        if check and done.returncode:
            raise HadeployError(
                f"exit code {done.returncode}",
                node=self.name,
                operation=f"running {' '.join(argv)}",
                detail=(done.stderr or done.stdout).strip()[-2000:] or None,
            )
        return done

    def restart_docker(self) -> None:
        """Stop the Docker daemon like `systemctl restart docker` (SIGTERM), and start it again.

        Raises:
            HadeployError: it did not stop or start.
        """
        script = (
            'pid=$(cat /run/docker.pid) && kill -TERM "$pid"'
            ' && while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done'
        )
        self.exec(("sh", "-c", script), timeout=BOOT_TIMEOUT)
        self.start_docker()

    def start_docker(self) -> None:
        """Start the stopped Docker daemon, and wait until it answers.

        Raises:
            HadeployError: it did not answer within 60 s.
        """
        script = 'setsid "$@" </dev/null >>/var/log/dockerd.log 2>&1 &'
        self.exec(("sh", "-c", script, "sh", *self.dockerd))
        wait_until(
            self.docker_answers,
            what="Docker",
            timeout=BOOT_TIMEOUT,
            node=self.name,
            detail=self._logs,
        )

    def load_image(self, archive: Path) -> None:
        """Load an image archive into the node's Docker.

        Raises:
            HadeployError: Docker refused it.
        """
        with archive.open("rb") as source:
            done = subprocess.run(
                self.exec_command(("docker", "load", "--quiet")),
                stdin=source,
                capture_output=True,
                text=True,
                check=False,
                env=CLEAN_ENVIRONMENT,
            )
        if done.returncode:
            raise HadeployError(
                f"exit code {done.returncode}",
                node=self.name,
                operation=f"loading {archive.name}",
                detail=done.stderr.strip() or None,
            )

    def ssh_answers(self) -> bool:
        """Whether the SSH daemon answers over the network."""
        try:
            with socket.create_connection((self.address, 22), timeout=1) as connection:
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False

    def docker_answers(self) -> bool:
        """Whether the Docker daemon answers a ping."""
        init = self.init()
        if init is None:
            return False
        # /proc gives access to the node's socket without entering its namespaces.
        path = f"/proc/{init.pid}/root/run/docker.sock"
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(2)
                connection.connect(path)
                connection.sendall(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")
                response = http.client.HTTPResponse(connection)
                response.begin()
                return response.status == 200
        except (OSError, http.client.HTTPException):
            return False

    def _logs(self) -> str:
        """The ends of its boot log and of Docker's log."""
        texts = []
        init = self.init()
        paths = [self.folder / "boot.log"]
        if init:
            paths.append(Path(f"/proc/{init.pid}/root/var/log/dockerd.log"))
        for path in paths:
            try:
                texts.append(path.read_text(errors="replace")[-1500:])
            except OSError:
                continue
        return "\n".join(texts).strip()
