"""The SSH routes to all nodes of a cluster, from its inventory and the user's SSH config."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path

from hadeploy.errors import ExitCode, HadeployError, NodesError
from hadeploy.inventory.cluster import Cluster, Node
from hadeploy.inventory.paths import beside
from hadeploy.remote.early_sockets import EarlySockets
from hadeploy.remote.fanout import try_each
from hadeploy.remote.routes import Route, route_to
from hadeploy.remote.ssh_config import SshConfig
from hadeploy.remote.ssh_options import HostOptions


@dataclass(frozen=True)
class NodeRoutes:
    """The SSH routes to the nodes of a cluster.

    Attributes:
        cluster: for its ssh settings.
        folder: the folder that relative paths in the inventory begin at.
        warn: shows a warning to the user.
        warned: the options that were warned of.
        early: TCP connections from `begin`.
    """

    cluster: Cluster
    folder: Path
    warn: Callable[[str], None] = lambda _: None
    warned: set[str] = field(default_factory=set)
    early: EarlySockets = field(default_factory=EarlySockets)

    @cached_property
    def ssh_config(self) -> SshConfig:
        """The SSH config.

        Raises:
            HadeployError: the file that the inventory names does not exist.
        """
        named = self.cluster.ssh.config
        file = beside(self.folder, named).absolute() if named else None
        if file and not file.is_file():
            raise HadeployError(
                f"{file}: no such file", operation="reading ssh.config", code=ExitCode.USAGE
            )
        return SshConfig(file, self.cluster.ssh.connect_timeout)

    def begin(self, connecting: Sequence[Node] = ()) -> None:
        """Start to query OpenSSH about all nodes in the background; `prepare` reports the errors.

        It takes as long as the imports for the connections, so both run at the same time.

        Args:
            connecting: nodes to which `early` connects then, except through others.
        """

        def ask() -> None:
            with contextlib.suppress(Exception):
                self._ask(self.cluster.nodes)
                for node in connecting:
                    hop, *others = self.route(node).hops
                    if not others and not hop.proxy_command:
                        self.early.open(hop.hostname, hop.port, self.timeout(hop))

        threading.Thread(target=ask, daemon=True).start()

    def prepare(self, nodes: Sequence[Node]) -> None:
        """Read the SSH config for all nodes in parallel, and warn of unsupported options.

        Raises:
            HadeployError: the config is invalid.
        """
        config = self.ssh_config
        try:
            errors = self._ask(nodes)
        except BaseException:
            config.stop()
            raise
        if errors:
            different = list({str(error): error for error in errors}.values())
            raise different[0] if len(different) == 1 else NodesError(different)
        hops = [hop for node in nodes for hop in self.route(node).hops]
        for option in dict.fromkeys(option for hop in hops for option in hop.not_followed):
            if option not in self.warned:
                self.warned.add(option)
                self.warn(f"the SSH config sets {option}")

    def route(self, node: Node) -> Route:
        """The route to a node.

        Raises:
            PermanentError: the SSH config is invalid.
        """
        return route_to(self.cluster, node, self.ssh_config.options)

    def timeout(self, hop: HostOptions) -> float:
        """The connect timeout in seconds; the inventory takes precedence over the SSH config."""
        ssh = self.cluster.ssh
        is_set = "connect_timeout" in ssh.model_fields_set
        return ssh.connect_timeout if is_set else (hop.connect_timeout or ssh.connect_timeout)

    def _ask(self, nodes: Sequence[Node]) -> list[HadeployError]:
        jobs: list[Callable[[], object]] = [self.ssh_config.load_defaults]
        jobs += [partial(self.route, node) for node in nodes]
        return try_each(lambda job: job(), jobs)[1]
