"""A lab: one or more nodes on this machine that behave like real ones.

`Lab.up` and `Lab.down` are safe to repeat and to interrupt: every step inspects the kernel and the
disk, and does only what is missing.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from hadeploy.errors import HadeployError
from hadeploy.lab import network
from hadeploy.lab.addressing import DEFAULT_NAME, Addressing, check_name
from hadeploy.lab.apiserver import ApiServerSettings
from hadeploy.lab.certificate import CertificateSpec
from hadeploy.lab.images.store import ensure_image, lab_images
from hadeploy.lab.lifecycle import Report, bring_up, node_of, silent, take_down
from hadeploy.lab.node import Node
from hadeploy.lab.node_status import NodeStatus
from hadeploy.lab.state import StateFolder, state_root
from hadeploy.lab.tools import CLEAN_ENVIRONMENT


class Lab:
    """An existing lab, returned by `up` or `find`.

    Args:
        addressing: its names and addresses.
        state: its folder.
    """

    def __init__(self, addressing: Addressing, state: StateFolder) -> None:
        self.addressing = addressing
        self.state = state
        self._ipv6 = network.ipv6_available()

    # ---- create, find and remove

    @classmethod
    def up(
        cls,
        name: str = DEFAULT_NAME,
        *,
        nodes: int | None = None,
        subnet: str | None = None,
        preload: bool = False,
        report: Report = silent,
    ) -> Lab:
        """Start a lab, or repair it; change nothing if it runs.

        Args:
            name: 1 to 8 lower case letters and digits.
            nodes: their number; default: the current number, or 3.
            subnet: an IPv4 network with at least 128 addresses in the documentation or benchmark
                ranges; default: the current one, or one derived from the name.
            preload: whether to load the images into the Docker of every node.
            report: receives the current work.

        Raises:
            HadeployError: the machine does not meet the requirements, the lab exists with other
                settings, or a step failed; `down` then cleans up.
        """
        addressing, state = bring_up(name, nodes=nodes, subnet=subnet, report=report)
        lab = cls(addressing, state)
        if preload:
            report("loading the images into the nodes")
            lab.load_images()
        return lab

    @classmethod
    def find(cls, name: str = DEFAULT_NAME) -> Lab:
        """The lab of that name.

        Raises:
            HadeployError: it does not exist.
        """
        state = StateFolder(state_root() / check_name(name))
        addressing = state.load(name)
        if addressing is None:
            hint = "hadeploy lab up" + ("" if name == DEFAULT_NAME else f" --name {name}")
            raise HadeployError(f"lab {name!r} does not exist", hint=hint)
        return cls(addressing, state)

    @classmethod
    def remove(cls, name: str = DEFAULT_NAME, *, report: Report = silent) -> bool:
        """Remove a lab, also an incomplete one or one without its state folder.

        Returns:
            Whether there was anything to remove.

        Raises:
            HadeployError: something could not be removed.
        """
        return take_down(name, report=report)

    def down(self, report: Report = silent) -> None:
        """Remove this lab, except cached images.

        Raises:
            HadeployError: something could not be removed.
        """
        self.remove(self.addressing.name, report=report)

    # ---- properties

    @property
    def name(self) -> str:
        """Its name."""
        return self.addressing.name

    @property
    def nodes(self) -> tuple[str, ...]:
        """The nodes' names: n1, n2, …"""
        return self.addressing.nodes

    @property
    def vip(self) -> str:
        """The IPv4 VIP for the load balancer."""
        return str(self.addressing.vip.v4.ip)

    @property
    def vip6(self) -> str | None:
        """The IPv6 VIP for the load balancer; None if the kernel has no IPv6."""
        return str(self.addressing.vip.v6.ip) if self._ipv6 else None

    def address(self, node: str) -> str:
        """A node's IPv4 address."""
        return str(self.addressing.node(node).v4.ip)

    def address6(self, node: str) -> str | None:
        """A node's IPv6 address; None if the kernel has no IPv6."""
        return str(self.addressing.node(node).v6.ip) if self._ipv6 else None

    @property
    def environment(self) -> dict[str, str]:
        """The variables of `hadeploy lab env`, including a name other than the default."""
        other = {} if self.name == DEFAULT_NAME else {"HADEPLOY_LAB": self.name}
        return other | {
            "HADEPLOY_INVENTORY": str(self.state.inventory),
            "HADEPLOY_LAB_VIP": self.vip,
            "HADEPLOY_LAB_SSH_CONFIG": str(self.state.ssh_config),
        }

    def status(self) -> list[NodeStatus]:
        """The status of every node."""

        def status_of(name: str) -> NodeStatus:
            node = self._node(name)
            running = node.init() is not None
            return NodeStatus(
                name,
                node.address,
                running,
                running and node.ssh_answers(),
                running and node.docker_answers(),
                running and node.api.process() is not None,
                self.addressing.scope(name) in cables,
            )

        cables = network.links_up()

        with ThreadPoolExecutor(max_workers=len(self.nodes)) as pool:
            return list(pool.map(status_of, self.nodes))

    # ---- use

    def exec(
        self,
        node: str,
        argv: Sequence[str],
        *,
        check: bool = True,
        input: str | None = None,  # noqa: A002  the name that subprocess.run has for it
        timeout: float = 120,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in a node as root, without a shell.

        Args:
            node: the node's name.
            argv: the command.
            check: whether a non-zero exit code is an error.
            input: text for its standard input.
            timeout: in seconds.

        Raises:
            HadeployError: it failed or timed out, or the node is off.
        """
        return self._node(node).exec(argv, check=check, stdin=input, timeout=timeout)

    def exec_command(self, node: str, argv: Sequence[str]) -> tuple[list[str], dict[str, str]]:
        """A command for this machine (for Popen or exec) that runs a command in a node.

        Returns:
            The command and its environment, which is the node's, not the caller's.

        Raises:
            HadeployError: the node is off.
        """
        terminal = {key: os.environ[key] for key in ("TERM",) if key in os.environ}
        return self._node(node).exec_command(argv), {**CLEAN_ENVIRONMENT, **terminal}

    def stop_node(self, node: str) -> None:
        """Power off a node; its disk stays.

        Raises:
            HadeployError: something could not be removed.
        """
        self._node(node).power_off()

    def start_node(self, node: str) -> None:
        """Power on a node unless it runs, and wait until it is ready.

        Raises:
            HadeployError: it was not ready in time.
        """
        found = self._node(node)
        network.plug_in(self.addressing, node, ipv6=self._ipv6)
        if found.init() is None:
            found.boot()
        found.wait_ready()

    def reboot(self, node: str) -> None:
        """Power off a node and power it on again; return when it is ready.

        Raises:
            HadeployError: something could not be removed, or the node was not ready in time.
        """
        self.stop_node(node)
        self.start_node(node)

    def link(self, node: str, *, up: bool) -> None:
        """Disconnect or connect a node's cable; its link goes down or up."""
        self.addressing.node(node)
        network.set_cable(self.addressing, node, up=up)

    def apiserver(
        self,
        node: str,
        *,
        up: bool,
        tls: CertificateSpec | None = None,
        readyz: int = 200,
        unknown: int = 404,
    ) -> None:
        """Stop or start a node's stand-in API server, or restart it with other settings.

        Args:
            node: the node's name.
            up: whether to start it.
            tls: its certificate; None for plain HTTP.
            readyz: the HTTP status of /readyz, /livez and /healthz.
            unknown: the HTTP status of unknown paths.

        Raises:
            HadeployError: it did not start or stop in time.
        """
        found = self._node(node)
        if up:
            found.api.start(found.running_init(), ApiServerSettings(tls, readyz, unknown))
        else:
            found.api.stop()

    def restart_docker(self, node: str) -> None:
        """Restart a node's Docker daemon like `systemctl restart docker`.

        Raises:
            HadeployError: it did not stop or start in time.
        """
        self._node(node).restart_docker()

    def load_images(self, *references: str) -> None:
        """Load images into the Docker of every node; build them first if necessary.

        Args:
            references: default: the images of the inventory.

        Raises:
            HadeployError: an image could not be built or loaded.
        """
        archives = [ensure_image(reference) for reference in references or lab_images().values()]

        def load(node: str) -> None:
            for archive in archives:
                self._node(node).load_image(archive)

        with ThreadPoolExecutor(max_workers=len(self.nodes)) as pool:
            list(pool.map(load, self.nodes))

    def _node(self, node: str) -> Node:
        return node_of(self.addressing, self.state, node)
