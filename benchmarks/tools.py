"""What makes the changes: hadeploy, and the same job done with Ansible and pyinfra."""

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
    """Something that brings the cluster up and changes it.

    Attributes:
        title: for the table.
    """

    title: str

    def can(self, scenario: Scenario) -> bool:
        """Whether the change exists for it."""

    def commands(self, scenario: Scenario, *, there: bool, holder: str) -> list[Command]:
        """What makes the change.

        Args:
            scenario: the change.
            there: make it, or take it back.
            holder: the node that has the VIP.
        """

    def base(self) -> list[Command]:
        """What brings the cluster up as it is before every change."""


class Hadeploy:
    """This project.

    Args:
        lab: the nodes.
        folder: for the inventory.
        edit: what differs from the lab's own inventory in all that is done.
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
        """Whether the change exists for it: all do."""
        return True

    def base(self) -> list[Command]:
        """`hadeploy up` with the lab's own inventory."""
        return [self.own("up", "--yes")]

    def own(self, *words: str) -> Command:
        """Any command with the lab's own inventory.

        Args:
            words: its name, of one word or two, and its options.
        """
        return self._command(self._inventory, *words)

    def commands(self, scenario: Scenario, *, there: bool, holder: str) -> list[Command]:
        """The scenario's commands, after the inventory was edited.

        Args:
            scenario: the change.
            there: make it, or take it back.
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
        argv: the job's command; the program is taken from the venv of the peers.
        folder: the job's folder, in `peers`.
        lab: the nodes.
        environment: what the job is given beside the lab's nodes and images.
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
        """Whether the job has such a change."""
        return scenario.peer is not None

    def base(self) -> list[Command]:
        """The job as it stands."""
        return [self._command({})]

    def commands(self, scenario: Scenario, *, there: bool, holder: str) -> list[Command]:  # noqa: ARG002  the protocol's
        """The job with the change in its variables.

        Args:
            scenario: the change.
            there: make it, or take it back.
            holder: not needed.
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
    """Where an image of osixia/keepalived has its configuration; it moved with 2.3.

    Args:
        image: a reference whose tag is a version.
    """
    version = image.rpartition(":")[2].split(".")
    classic = [int(part) for part in version[:2]] < [2, 3]
    return "/usr/local/etc/keepalived" if classic else "/etc/keepalived"


def peers(lab: Lab, told: dict[str, str] | None = None) -> list[Peer]:
    """The peers' jobs, each as it stands and one node at a time.

    Args:
        lab: the nodes.
        told: more for their environment.
    """
    more = told or {}
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
    """Install Ansible and pyinfra into a venv of their own.

    Raises:
        subprocess.CalledProcessError: pip failed.
    """
    python = PEER_VENV / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(PEER_VENV)], check=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--requirement", str(PEERS / "requirements.txt")], check=True)


def peer_versions() -> dict[str, str]:
    """What was installed of them, name → version; empty where nothing was."""
    if not PEER_VENV.exists():
        return {}
    pip = [str(PEER_VENV / "bin" / "python"), "-m", "pip", "freeze"]
    frozen = subprocess.run(pip, capture_output=True, text=True, check=True).stdout.splitlines()
    versions = dict(line.split("==") for line in frozen if "==" in line)
    return {tool: versions.get(tool, "") for tool in ("ansible-core", "pyinfra")}


def run_all(commands: list[Command]) -> tuple[float, str]:
    """Run commands one after the other, up to the first that fails.

    Returns:
        How many seconds they took, and what went wrong, or nothing.
    """
    started = time.monotonic()
    trouble = next((said for command in commands if (said := command.run())), "")
    return time.monotonic() - started, trouble
