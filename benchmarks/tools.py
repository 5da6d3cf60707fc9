"""The compared tools: hadeploy, and the same job with Ansible and pyinfra."""

from __future__ import annotations

import copy
import io
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from ruamel.yaml import YAML

from benchmarks.command import Command
from benchmarks.scenarios import PASSWORD_VARIABLE, Inventory, Scenario
from hadeploy.lab.lab import Lab

PEERS = Path(__file__).parent / "peers"
PEER_VENV = Path(__file__).parent / ".venv"


class Tool(Protocol):
    """A tool that deploys and changes the cluster.

    Attributes:
        title: for the table.
    """

    title: str

    def can(self, scenario: Scenario) -> bool:
        """Whether the tool supports the change."""

    def commands(self, scenario: Scenario, *, there: bool, holder: str) -> list[Command]:
        """The commands of the change.

        Args:
            there: whether to make it, or to revert it.
            holder: the node that has the VIP.
        """

    def base(self) -> list[Command]:
        """The commands for the state before every change."""


class Hadeploy:
    """This project.

    Args:
        folder: for the inventory.
        edit: changes the inventory of the lab for all commands.
    """

    title = "hadeploy"

    def __init__(
        self, lab: Lab, folder: Path, edit: Callable[[Inventory], None] = lambda _: None
    ) -> None:
        own = Path(lab.environment["HADEPLOY_INVENTORY"]).read_text()
        self._inventory: Inventory = YAML(typ="safe").load(own)
        edit(self._inventory)
        self._file = folder / "inventory.yaml"

    def can(self, scenario: Scenario) -> bool:  # noqa: ARG002  the protocol's
        """Whether the tool supports the change: hadeploy supports all."""
        return True

    def base(self) -> list[Command]:
        """`hadeploy up` with the inventory of the lab."""
        return [self.own("up", "--yes")]

    def own(self, *words: str) -> Command:
        """Any command with the inventory of the lab.

        Args:
            words: the name of the command and its options.
        """
        return self._command(self._inventory, *words)

    def commands(self, scenario: Scenario, *, there: bool, holder: str) -> list[Command]:
        """The commands of the scenario, with the changed inventory.

        Args:
            there: whether to make it, or to revert it.
            holder: the node that has the VIP.
        """
        inventory = copy.deepcopy(self._inventory)
        if there:
            scenario.edit(inventory)
        words = [[word.format(holder=holder) for word in one] for one in scenario.commands]
        return [self._command(inventory, *one) for one in words]

    def _command(self, inventory: Inventory, *words: str) -> Command:
        text = io.StringIO()
        YAML(typ="safe", pure=True).dump(inventory, text)
        self._file.write_text(text.getvalue())
        argv = (sys.executable, "-m", "hadeploy", *words, "-i", str(self._file))
        return Command(argv, {PASSWORD_VARIABLE: "bench"})


class Peer:
    """The same job with another tool; see the folder `peers`.

    Args:
        title: for the table.
        argv: the command of the job; the program is in the venv of the peers.
        folder: of the job, in `peers`.
        environment: additional variables of the job.
    """

    def __init__(
        self, title: str, argv: tuple[str, ...], folder: str, lab: Lab, environment: dict[str, str]
    ) -> None:
        self.title = title
        self._argv = (str(PEER_VENV / "bin" / argv[0]), *argv[1:])
        self._folder = PEERS / folder
        own = YAML(typ="safe").load(Path(lab.environment["HADEPLOY_INVENTORY"]).read_text())
        self._environment = {
            "PEER_NODES": ",".join(lab.address(node) for node in lab.nodes),
            "PEER_VIP": lab.vip,
            "PEER_KEY": str(lab.state.key),
            "PEER_KNOWN_HOSTS": str(lab.state.known_hosts),
            "PEER_HAPROXY_IMAGE": own["images"]["haproxy"]["reference"],
            "PEER_KEEPALIVED_IMAGE": own["images"]["keepalived"]["reference"],
            "PATH": f"{PEER_VENV / 'bin'}:{os.environ.get('PATH', '')}",
            **environment,
        }

    def can(self, scenario: Scenario) -> bool:
        """Whether the job supports the change."""
        return scenario.peer is not None

    def base(self) -> list[Command]:
        """The job without changes."""
        return [self._command({})]

    def commands(self, scenario: Scenario, *, there: bool, holder: str) -> list[Command]:  # noqa: ARG002  the protocol's
        """The job with the change in its variables.

        Args:
            there: whether to make it, or to revert it.
            holder: unused.
        """
        if not scenario.commands:
            return []
        return [self._command(dict(scenario.peer or {}) if there else {})]

    def _command(self, changed: dict[str, str]) -> Command:
        environment = self._environment | changed
        image = environment["PEER_KEEPALIVED_IMAGE"]
        return Command(
            self._argv,
            environment | {"PEER_KEEPALIVED_FOLDER": keepalived_folder(image)},
            self._folder,
        )


def keepalived_folder(image: str) -> str:
    """The folder of the configuration in an image of osixia/keepalived; 2.3 changed it.

    Args:
        image: a reference whose tag is a version.
    """
    version = image.rpartition(":")[2].split(".")
    classic = [int(part) for part in version[:2]] < [2, 3]
    return "/usr/local/etc/keepalived" if classic else "/etc/keepalived"


def peers(lab: Lab, environment: dict[str, str] | None = None) -> list[Peer]:
    """The jobs of the other tools, each for all nodes at once and for one node at a time.

    Args:
        environment: additional variables.
    """
    more = environment or {}
    ansible, pyinfra = ("ansible-playbook", "site.yml"), ("pyinfra", "-y")
    job = ("inventory.py", "deploy.py")
    one = " (one node at a time)"
    return [
        Peer("Ansible", ansible, "ansible", lab, more),
        Peer(f"Ansible{one}", ansible, "ansible", lab, more | {"PEER_SERIAL": "1"}),
        Peer("pyinfra", (*pyinfra, *job), "pyinfra", lab, more),
        Peer(f"pyinfra{one}", (*pyinfra, "--serial", *job), "pyinfra", lab, more),
    ]


def install_peers() -> None:
    """Install Ansible and pyinfra in their own venv.

    Raises:
        subprocess.CalledProcessError: pip failed.
    """
    python = PEER_VENV / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(PEER_VENV)], check=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--requirement", str(PEERS / "requirements.txt")], check=True)


def peer_versions() -> dict[str, str]:
    """The installed versions, name → version."""
    if not PEER_VENV.exists():
        return {}
    pip = [str(PEER_VENV / "bin" / "python"), "-m", "pip", "freeze"]
    frozen = subprocess.run(pip, capture_output=True, text=True, check=True).stdout.splitlines()
    versions = dict(line.split("==") for line in frozen if "==" in line)
    return {tool: versions.get(tool, "") for tool in ("ansible-core", "pyinfra")}


def run_all(commands: list[Command]) -> tuple[float, str]:
    """Run commands one after the other, until one fails.

    Returns:
        The seconds, and the error or "".
    """
    started = time.monotonic()
    trouble = next((error for command in commands if (error := command.run())), "")
    return time.monotonic() - started, trouble
