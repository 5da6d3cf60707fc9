"""Common parts of the commands: options, consoles, inventory, and the report of errors."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from rich.console import Console

from hadeploy import api
from hadeploy.cli.fleet_options import one_inventory
from hadeploy.cli.options import common_options
from hadeploy.cli.outcome import Outcome, failures_recorded
from hadeploy.cli.terminal import Terminal
from hadeploy.rollout.node_outcome import RolloutError
from hadeploy.ui.console import make_console

if TYPE_CHECKING:
    from hadeploy.actions.deployment import Deployment
    from hadeploy.actions.user_interface import UserInterface

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass
class Options:
    """The common options of the commands on a cluster."""

    inventory: str | None
    accept_new_host_keys: bool
    ask_sudo_password: bool
    as_json: bool
    no_color: bool
    debug: bool

    @functools.cached_property
    def err(self) -> Console:
        """The console on stderr, for progress and errors."""
        return make_console(stderr=True, no_color=self.no_color)

    @functools.cached_property
    def out(self) -> Console:
        """The console on stdout, for results."""
        return make_console(stderr=False, no_color=self.no_color)

    def __post_init__(self) -> None:
        """Silence the log of paramiko without --debug: hadeploy reports its errors itself."""
        if not self.debug:
            log = logging.getLogger("paramiko")
            log.addHandler(logging.NullHandler())
            log.propagate = False

    @functools.cached_property
    def ui(self) -> UserInterface:
        """The user interface on the terminal."""
        return Terminal(self.err, as_json=self.as_json)

    @functools.cached_property
    def deployment(self) -> Deployment:
        """The cluster of the inventory.

        Raises:
            HadeployError: every error with its file and line.
        """
        return api.load(
            self.inventory,
            self.ui,
            accept_new_host_keys=self.accept_new_host_keys,
            ask_sudo_password=self.ask_sudo_password,
        )


def cluster_command(command: Command) -> Command:
    """Add the common options to a command, as one `options` argument."""

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
    """Run the body of a command; with --json, print one document even after an error."""
    outcome = Outcome(command=command)
    try:
        with failures_recorded(outcome):
            yield outcome
    except RolloutError as error:
        outcome.nodes = {node: state.value for node, state in error.nodes.items()}
        raise
    finally:
        if options.as_json:
            outcome.print()
