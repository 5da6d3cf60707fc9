"""A lab: three (or one, or nine) nodes on this machine that behave as real ones do.

`Lab.up` and `Lab.down` are safe to repeat and to interrupt: every step looks at what the kernel and
the disk hold, and does only what is missing.
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
    """A lab that exists; get one from `up` or `find`.

    Args:
        addressing: its names and addresses.
        state: its folder.
    """

    def __init__(self, addressing: Addressing, state: StateFolder) -> None:
        self.addressing = addressing
        self.state = state
        self._ipv6 = network.ipv6_available()

    # ---- having one

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
        """Bring a lab up, or repair it, or find that all is well and touch nothing.

        Args:
            name: 1 to 8 lower case letters and digits.
            nodes: how many; default: as many as it has, else 3.
            subnet: an IPv4 network of at least 128 addresses out of the documentation and benchmark
                ranges; default: what it has, else one that follows from the name.
            preload: whether to load the images into every node's Docker.
            report: told, in a few words, what is being done.

        Raises:
            HadeployError: the machine cannot carry a lab, the lab exists in another shape, or a
                step failed; `down` then cleans up.
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
            HadeployError: there is none.
        """
        state = StateFolder(state_root() / check_name(name))
        addressing = state.load(name)
        if addressing is None:
            hint = "hadeploy lab up" + ("" if name == DEFAULT_NAME else f" --name {name}")
            raise HadeployError(f"there is no lab {name!r}", hint=hint)
        return cls(addressing, state)

    @classmethod
    def remove(cls, name: str = DEFAULT_NAME, *, report: Report = silent) -> bool:
        """Take a lab down, whole or in pieces, with or without its state folder.

        Returns:
            Whether there was anything to remove.

        Raises:
            HadeployError: something did not go away.
        """
        return take_down(name, report=report)

    def down(self, report: Report = silent) -> None:
        """Take this lab down; nothing of it is left but cached images.

        Raises:
            HadeployError: something did not go away.
        """
        self.remove(self.addressing.name, report=report)

    # ---- what it is

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
        """The IPv4 address meant for the load balancer."""
        return str(self.addressing.vip.v4.ip)

    @property
    def vip6(self) -> str | None:
        """The IPv6 address meant for the load balancer; None where the kernel has no IPv6."""
        return str(self.addressing.vip.v6.ip) if self._ipv6 else None

    def address(self, node: str) -> str:
        """A node's IPv4 address."""
        return str(self.addressing.node(node).v4.ip)

    def address6(self, node: str) -> str | None:
        """A node's IPv6 address; None where the kernel has no IPv6."""
        return str(self.addressing.node(node).v6.ip) if self._ipv6 else None

    @property
    def environment(self) -> dict[str, str]:
        """What `hadeploy lab env` exports; another name than the default one is exported, too."""
        other = {} if self.name == DEFAULT_NAME else {"HADEPLOY_LAB": self.name}
        return other | {
            "HADEPLOY_INVENTORY": str(self.state.inventory),
            "HADEPLOY_LAB_VIP": self.vip,
            "HADEPLOY_LAB_SSH_CONFIG": str(self.state.ssh_config),
        }

    def status(self) -> list[NodeStatus]:
        """What every node is doing now."""

        def look(name: str) -> NodeStatus:
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
            return list(pool.map(look, self.nodes))

    # ---- using it

    def exec(
        self,
        node: str,
        argv: Sequence[str],
        *,
        check: bool = True,
        input: str | None = None,  # noqa: A002  the name that subprocess.run has for it
        timeout: float = 120,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in a node, as root, and return what it printed.

        Args:
            node: the node's name.
            argv: the command; no shell is in between.
            check: whether a non-zero exit code is an error.
            input: text for its standard input.
            timeout: seconds it may take.

        Raises:
            HadeployError: it failed or took too long, or the node is off.
        """
        return self._node(node).exec(argv, check=check, stdin=input, timeout=timeout)

    def exec_command(self, node: str, argv: Sequence[str]) -> tuple[list[str], dict[str, str]]:
        """The command of this machine that runs a command in a node, for Popen or exec.

        Returns:
            The command, and the environment to run it with: the node's, not the caller's.

        Raises:
            HadeployError: the node is off.
        """
        terminal = {key: os.environ[key] for key in ("TERM",) if key in os.environ}
        return self._node(node).exec_command(argv), {**CLEAN_ENVIRONMENT, **terminal}

    def stop_node(self, node: str) -> None:
        """Cut a node's power; its disk stays.

        Raises:
            HadeployError: something did not go away.
        """
        self._node(node).power_off()

    def start_node(self, node: str) -> None:
        """Power a node on, unless it runs, and wait until it is ready.

        Raises:
            HadeployError: it was not ready in time.
        """
        found = self._node(node)
        network.plug_in(self.addressing, node, ipv6=self._ipv6)
        if found.init() is None:
            found.boot()
        found.wait_ready()

    def reboot(self, node: str) -> None:
        """Cut a node's power and power it on again; returns when it is ready.

        Raises:
            HadeployError: something did not go away, or it was not ready in time.
        """
        self.stop_node(node)
        self.start_node(node)

    def link(self, node: str, *, up: bool) -> None:
        """Cut or mend a node's cable; the node itself sees its link go down."""
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
        """Stop or start a node's stand-in API server; one with other settings is restarted.

        Args:
            node: the node's name.
            up: whether it is to run.
            tls: what its certificate says; None: it speaks plain HTTP.
            readyz: the HTTP status of /readyz, /livez and /healthz.
            unknown: the HTTP status of paths that it does not have.

        Raises:
            HadeployError: it did not, in time.
        """
        found = self._node(node)
        if up:
            found.api.start(found.running_init(), ApiServerSettings(tls, readyz, unknown))
        else:
            found.api.stop()

    def restart_docker(self, node: str) -> None:
        """Restart a node's Docker daemon as `systemctl restart docker` would.

        Raises:
            HadeployError: it did not end or not come back in time.
        """
        self._node(node).restart_docker()

    def load_images(self, *references: str) -> None:
        """Load images into every node's Docker; makes them first if need be.

        Args:
            references: default: the two that the inventory names.

        Raises:
            HadeployError: an image could not be made or loaded.
        """
        archives = [ensure_image(reference) for reference in references or lab_images().values()]

        def load(node: str) -> None:
            for archive in archives:
                self._node(node).load_image(archive)

        with ThreadPoolExecutor(max_workers=len(self.nodes)) as pool:
            list(pool.map(load, self.nodes))

    def _node(self, node: str) -> Node:
        return node_of(self.addressing, self.state, node)
