"""What the commands share: inventory, consoles, waiting for the lock, and how they end."""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from rich.console import Console
from rich.text import Text

from hadeploy.cli.fleet_options import one_inventory
from hadeploy.cli.options import common_options
from hadeploy.cli.outcome import Outcome
from hadeploy.cli.passwords import registry_login, sudo_secret, vrrp_secret
from hadeploy.desired.folders import checked_folder
from hadeploy.errors import ExitCode, HadeployError, NodesError
from hadeploy.inventory.load import Inventory, find_inventory, read_inventory
from hadeploy.inventory.model import Cluster
from hadeploy.inventory.paths import beside
from hadeploy.plan.inputs import Inputs
from hadeploy.progress import Progress
from hadeploy.remote.node_routes import NodeRoutes
from hadeploy.rollout.node_outcome import RolloutError
from hadeploy.ui.ask import ask_secret
from hadeploy.ui.console import make_console
from hadeploy.ui.progress import Lines, Screen

if TYPE_CHECKING:
    from hadeploy.remote.connect import Dialer

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass
class Options:
    """The options that every command on a cluster has."""

    inventory: str | None
    accept_new_host_keys: bool
    ask_sudo_password: bool
    as_json: bool
    no_color: bool
    debug: bool

    @functools.cached_property
    def err(self) -> Console:
        """For people; stdout belongs to results."""
        return make_console(stderr=True, no_color=self.no_color)

    @functools.cached_property
    def out(self) -> Console:
        """For results."""
        return make_console(stderr=False, no_color=self.no_color)

    def __post_init__(self) -> None:
        """Errors are told by us; paramiko's own tracebacks only help when debugging."""
        if not self.debug:
            log = logging.getLogger("paramiko")
            log.addHandler(logging.NullHandler())
            log.propagate = False

    def cluster(self) -> tuple[Cluster, Path]:
        """Read the inventory; also returns its folder, where paths in it begin.

        Raises:
            HadeployError: with every mistake at its place; nothing was touched.
        """
        inventory, folder = self._read
        return inventory.cluster, folder

    @functools.cached_property
    def _read(self) -> tuple[Inventory, Path]:
        path = find_inventory(self.inventory, os.environ, Path.cwd())
        inventory = read_inventory(path)
        for warning in inventory.warnings:
            self.warn(str(warning))
        return inventory, path.resolve().parent

    def warn(self, warning: str) -> None:
        """Show a warning to the user."""
        self.err.print(Text(f"warning: {warning}", "yellow"), soft_wrap=True)

    def inputs(self) -> Inputs:
        """Read the inventory, the templates and the secrets.

        Raises:
            HadeployError: with every mistake at its place; nothing was touched.
        """
        inventory, folder = self._read
        cluster = inventory.cluster
        override = cluster.templates.folder
        return Inputs(
            cluster=cluster,
            folder=folder,
            templates=checked_folder(beside(folder, override) if override else None),
            password=vrrp_secret(inventory, folder),
            login=functools.cache(functools.partial(registry_login, inventory, folder)),
        )

    def dialer(self) -> Dialer:
        """How to connect to the cluster's nodes; asks for the sudo password, if that is wanted.

        Raises:
            HadeployError: there is nobody to ask, or a reference leads nowhere.
        """
        inventory, folder = self._read
        password = sudo_secret(inventory, folder, ask=self.ask_sudo_password)
        routes = NodeRoutes(inventory.cluster, folder, self.warn)
        routes.begin()
        from hadeploy.remote.connect import Dialer

        return Dialer(routes, self.accept_new_host_keys, password, ask_secret)

    @contextmanager
    def progress(self, cluster: Cluster, *, brief: bool = False) -> Iterator[Progress]:
        """Live in a terminal, lines elsewhere.

        Args:
            cluster: for its nodes.
            brief: whether nothing of it stays on the screen; then there are no lines elsewhere.
        """
        console = self.err
        if console.is_terminal:
            with Screen(console, [node.label for node in cluster.nodes], brief=brief) as screen:
                yield screen
        else:
            with Lines(Console(quiet=True) if brief else console) as lines:
                yield lines


def cluster_command(command: Command) -> Command:
    """Give a command the common options, as one `options` argument."""

    @common_options
    @functools.wraps(command)
    def wrapped(
        inventory: tuple[str, ...],
        accept_new_host_keys: bool,
        ask_sudo_password: bool,
        as_json: bool,
        no_color: bool,
        debug: bool,
        **others: Any,
    ) -> Any:
        named = one_inventory(inventory)
        options = Options(named, accept_new_host_keys, ask_sudo_password, as_json, no_color, debug)
        return command(options=options, **others)

    return wrapped  # type: ignore[return-value]


@contextmanager
def reported(options: Options, command: str) -> Iterator[Outcome]:
    """Run a command's body; with --json, print one document however it ends."""
    outcome = Outcome(command)
    try:
        yield outcome
    except HadeployError as error:
        outcome.code = error.code
        outcome.errors = error.errors if isinstance(error, NodesError) else [error]
        if isinstance(error, RolloutError):
            outcome.nodes = {node: outcome.value for node, outcome in error.nodes.items()}
        raise
    except (KeyboardInterrupt, click.Abort):
        outcome.code = ExitCode.INTERRUPTED
        raise
    except BaseException as error:
        outcome.code = ExitCode.FAILED
        outcome.errors = [HadeployError(f"internal error: {type(error).__name__}: {error}")]
        raise
    finally:
        if options.as_json:
            outcome.print()
