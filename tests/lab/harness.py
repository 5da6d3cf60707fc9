"""hadeploy as a user runs it, on a real lab."""

from __future__ import annotations

import contextlib
import copy
import io
import os
import pty
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from hadeploy.lab.lab import Lab
from tests.result_schema import parse_result

HAPROXY = "kube-lb-haproxy"
KEEPALIVED = "kube-lb-keepalived"
ROOT = "/etc/hadeploy/kube-lb"


@dataclass(frozen=True)
class Result:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """What --json printed, validated against docs/json.schema.json."""
        loaded = parse_result(self.out)
        assert loaded["exit_code"] == self.code
        return loaded

    def failures(self) -> list[tuple[str | None, str]]:
        """The failed proofs as (node, proof)."""
        return [(p["node"], p["proof"]) for p in self.document["proofs"] if p["verdict"] == "fail"]


def finish(*command: str) -> Result:
    """Run a command without standard input and wait for it."""
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=300,
        check=False,
    )
    return Result(done.returncode, done.stdout, done.stderr)


@dataclass
class Cluster:
    """An inventory on a lab, and the commands that a test runs with it."""

    lab: Lab
    folder: Path
    inventory: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.inventory = YAML(typ="safe").load(
            Path(self.lab.environment["HADEPLOY_INVENTORY"]).read_text()
        )

    @property
    def file(self) -> Path:
        """The inventory file; written anew for each command."""
        return self.folder / "inventory.yaml"

    def copy(self) -> Cluster:
        """Another inventory on the same lab, to be changed by a test."""
        other = Cluster(self.lab, self.folder)
        other.inventory = copy.deepcopy(self.inventory)
        return other

    def run(self, *arguments: str, module: str = "hadeploy") -> Result:
        """Run a hadeploy command with this inventory."""
        python, _, _, *command = self.command(arguments)
        return finish(python, "-m", module, *command)

    def accident(self, kind: str, moment: str | int, *arguments: str) -> Result:
        """Run a command that fails at that moment (tests/lab/faulty.py)."""
        python, _, _, *command = self.command(arguments)
        return finish(python, "-m", "tests.lab.faulty", kind, str(moment), *command)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command and let it run."""
        return subprocess.Popen(
            self.command(arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def typed(self, answer: str, *arguments: str) -> tuple[int, str]:
        """Run a command in a terminal, type an answer, and return exit code and screen."""
        ours, theirs = pty.openpty()
        with os.fdopen(ours, "rb+", buffering=0) as terminal:
            process = subprocess.Popen(
                self.command(arguments), stdin=theirs, stdout=theirs, stderr=theirs
            )
            os.close(theirs)
            terminal.write(answer.encode())
            shown = b""
            # Reading from a terminal that its last user has closed is an error, not an end.
            with contextlib.suppress(OSError):
                while chunk := terminal.read(4096):
                    shown += chunk
            return process.wait(timeout=60), shown.decode()

    def command(self, arguments: tuple[str, ...]) -> list[str]:
        """The command line of a hadeploy command with this inventory, which is written."""
        self.write()
        command, *others = arguments
        words = command.split()
        return [sys.executable, "-m", "hadeploy", *words, "-i", str(self.file), *others]

    def write(self) -> Path:
        """Write the inventory; returns its file."""
        text = io.StringIO()
        YAML(typ="safe", pure=True).dump(self.inventory, text)
        self.file.write_text(text.getvalue())
        return self.file

    def ok(self, *arguments: str) -> Result:
        """Run a command that must succeed."""
        result = self.run(*arguments)
        assert result.code == 0, f"{arguments}: {result.code}\n{result.out}\n{result.err}"
        return result

    def up(self) -> dict[str, Any]:
        """Apply the inventory without a confirmation; returns the document."""
        return self.ok("up", "--json", "--yes").document

    def node(self, node: str, script: str, *, check: bool = True) -> str:
        """Run shell on a node."""
        return self.lab.exec(node, ["sh", "-c", script], check=check).stdout.strip()

    @contextlib.contextmanager
    def instead_of(self, node: str, program: str, argument: str, script: str) -> Iterator[None]:
        """Before a program does its work on that first argument, a script runs on the node."""
        path = f"/usr/local/bin/{program}"
        case = f'case $1 in {argument}) {script} ;; esac; exec /usr/bin/{program} "$@"'
        self.lab.exec(
            node, ["sh", "-c", f"cat >{path} && chmod +x {path}"], input=f"#!/bin/sh\n{case}\n"
        )
        try:
            yield
        finally:
            self.node(node, f"rm {path}")

    def holders(self, vip: str | None = None) -> list[str]:
        """The nodes that have the VIP on an interface."""
        address = vip or self.lab.vip
        return [n for n in self.lab.nodes if self.node(n, f"ip -o address show to {address}")]

    def snapshot(self) -> dict[str, str]:
        """Everything that a run may change on the nodes: equal before and after means no change.

        It leaves out the server state for haproxy's next start, which changes with every run.
        """
        form = "{{.Id}} {{.State.Status}} {{.State.StartedAt}}"
        script = f"""
            docker ps --all --quiet --no-trunc | sort | xargs -r docker inspect --format '{form}'
            find {ROOT} -type f ! -name server-state -exec stat -c '%n %a %Y' {{}} + | sort
            find {ROOT} -type f -exec sha256sum {{}} + | sort
            ip -o address show dev eth0 | awk '{{print $3, $4}}'
        """
        return {node: self.node(node, script, check=False) for node in self.lab.nodes}

    def files_left(self) -> dict[str, list[str]]:
        """The paths in the cluster's folder, by node; a node without the folder is left out."""
        found = {n: self.node(n, f"find {ROOT}", check=False) for n in self.lab.nodes}
        return {node: paths.splitlines() for node, paths in found.items() if paths}

    def containers(self) -> dict[str, str]:
        """Ids and start times of both containers on every node."""
        script = (
            f"docker inspect --format '{{{{.Id}}}} {{{{.State.StartedAt}}}}' {HAPROXY} {KEEPALIVED}"
        )
        return {node: self.node(node, script) for node in self.lab.nodes}

    def request(self, path: str = "/") -> str:
        """Send a request through the VIP from this machine."""
        done = subprocess.run(
            ["curl", "--silent", "--max-time", "5", f"http://{self.lab.vip}:9443{path}"],
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout.strip()


def eventually(true: Callable[[], object], what: str, seconds: float = 30) -> None:
    """Poll until something is true.

    Raises:
        AssertionError: it was not, by the deadline.
    """
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.1)


def with_template(cluster: Cluster, old: str, new: str) -> None:
    """Use a haproxy template with one change."""
    folder = cluster.folder / "templates"
    folder.mkdir(exist_ok=True)
    text = Path("templates/haproxy.cfg.j2").read_text()
    assert old in text
    (folder / "haproxy.cfg.j2").write_text(text.replace(old, new))
    cluster.inventory["templates"] = {"folder": str(folder)}
