"""What the commands share: inventory, consoles, waiting for the lock, and how they end."""

from __future__ import annotations

import dataclasses
import functools
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.text import Text

from hadeploy.check.catalogue import refuse_unknown
from hadeploy.check.model import Finding
from hadeploy.cli.options import common_options
from hadeploy.cli.outcome import Outcome
from hadeploy.cli.passwords import sudo_secret, vrrp_secret
from hadeploy.desired.templates import environment
from hadeploy.errors import ExitCode, HadeployError, NodesError
from hadeploy.inventory.load import Inventory, find_inventory, read_inventory
from hadeploy.inventory.model import Cluster
from hadeploy.inventory.paths import beside
from hadeploy.plan.partial import refuse_minority, unknown_nodes
from hadeploy.plan.previous import Previous
from hadeploy.run.connections import connected
from hadeploy.run.lock import LockedError, StaleError
from hadeploy.run.prepare import Choices, Inputs, Prepared, find_previous, prepare
from hadeploy.run.progress import Progress
from hadeploy.run.standing import RollError
from hadeploy.transport.connect import Dialer
from hadeploy.transport.session import Session
from hadeploy.ui.ask import ask_secret
from hadeploy.ui.checks import finding_line
from hadeploy.ui.console import make_console
from hadeploy.ui.progress import Lines, Screen

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
        inventory, folder = self._read()
        return inventory.cluster, folder

    def _read(self) -> tuple[Inventory, Path]:
        path = find_inventory(self.inventory, os.environ, Path.cwd())
        inventory = read_inventory(path)
        for warning in inventory.warnings:
            self.err.print(Text(f"warning: {warning}", "yellow"), soft_wrap=True)
        return inventory, path.resolve().parent

    def inputs(self) -> Inputs:
        """Read the inventory, the templates and the secrets.

        Raises:
            HadeployError: with every mistake at its place; nothing was touched.
        """
        inventory, folder = self._read()
        cluster = inventory.cluster
        override = cluster.templates.folder
        return Inputs(
            cluster=cluster,
            folder=folder,
            jinja=environment(beside(folder, override) if override else None),
            password=vrrp_secret(inventory, folder),
        )

    def dialer(self, cluster: Cluster, folder: Path) -> Dialer:
        """How to connect to that cluster's nodes; asks for the sudo password, if that is wanted.

        Raises:
            HadeployError: there is nobody to ask, or a reference leads nowhere.
        """
        password = sudo_secret(cluster.ssh.sudo_password, folder, ask=self.ask_sudo_password)
        return Dialer(cluster, folder, self.accept_new_host_keys, password, ask_secret)

    @contextmanager
    def progress(self, cluster: Cluster) -> Iterator[Progress]:
        """Live in a terminal, lines elsewhere."""
        console = self.err
        if console.is_terminal:
            with Screen(console, [node.label for node in cluster.nodes]) as screen:
                yield screen
        else:
            with Lines(console) as lines:
                yield lines


SKIP = click.option(
    "--skip", multiple=True, metavar="CHECK", help="Leave out a check, by its id; can be repeated."
)


def choosing(command: Command) -> Command:
    """Give a command the options that choose what a run is about, as one `choices` argument."""

    @click.option(
        "--forget",
        multiple=True,
        metavar="ADDRESS",
        help="A former node that is stopped or gone for good.",
    )
    @click.option(
        "--prune",
        is_flag=True,
        help="Stop and clean nodes that left the inventory.",
    )
    @click.option(
        "--adopt", is_flag=True, help="Take over a cluster that was set up by hand, node by node."
    )
    @click.option(
        "--limit", multiple=True, metavar="NODE", help="Change this node only; can be repeated."
    )
    @click.option(
        "--allow-degraded",
        multiple=True,
        metavar="NODE",
        help="Leave out a node that cannot be reached; can be repeated.",
    )
    @SKIP
    @functools.wraps(command)
    def wrapped(
        *,
        forget: tuple[str, ...],
        prune: bool,
        limit: tuple[str, ...],
        allow_degraded: tuple[str, ...],
        adopt: bool,
        skip: tuple[str, ...],
        **others: Any,
    ) -> Any:
        choices = Choices(forget, prune, limit, allow_degraded, adopt, skip)
        return command(choices=choices, **others)

    return wrapped  # type: ignore[return-value]


ROLLBACK = click.option(
    "--rollback",
    is_flag=True,
    help="Go back to what was applied before the last change, instead of to the inventory.",
)
LOCK_WAIT = click.option(
    "--lock-wait",
    type=click.FloatRange(min=0),
    default=0.0,
    metavar="SECONDS",
    help="How long to wait for another run to end.",
)
LOCK_POLL_SECONDS = 1.0
MOST_STALE = 3


def unlocked(work: Callable[[], None], progress: Progress, lock_wait: float) -> None:
    """Do the work; while somebody else has the lock, wait and do it anew.

    So too, a few times, if somebody changed a node between the look and the lock.

    Args:
        work: looks, plans and changes: what it planned before a wait is worth nothing after it.
        progress: told whom it waits for.
        lock_wait: seconds to wait at most.

    Raises:
        LockedError: the other run had the lock for all that time.
        StaleError: the nodes kept changing.
    """
    deadline = time.monotonic() + lock_wait
    stale = 0
    while True:
        try:
            return work()
        except LockedError as error:
            if time.monotonic() >= deadline:
                raise
            progress.waiting(str(error))
            time.sleep(LOCK_POLL_SECONDS)
        except NodesError as error:
            stale += 1
            if stale > MOST_STALE or not all(isinstance(e, StaleError) for e in error.errors):
                raise
            progress.waiting(str(error))


def cluster_command(command: Command) -> Command:
    """Give a command the common options, as one `options` argument."""

    @common_options
    @functools.wraps(command)
    def wrapped(
        inventory: str | None,
        accept_new_host_keys: bool,
        ask_sudo_password: bool,
        as_json: bool,
        no_color: bool,
        debug: bool,
        **others: Any,
    ) -> Any:
        options = Options(
            inventory, accept_new_host_keys, ask_sudo_password, as_json, no_color, debug
        )
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
        if isinstance(error, RollError):
            outcome.nodes = {node: standing.value for node, standing in error.nodes.items()}
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


@dataclass
class Run:
    """A cluster that is connected."""

    inputs: Inputs
    dialer: Dialer
    sessions: dict[str, Session]
    progress: Progress
    choices: Choices
    previous: Previous | None = None
    pruned: tuple[str, ...] = ()
    unreachable: dict[str, HadeployError] = field(default_factory=dict)
    tell: Callable[[list[Finding]], None] = lambda _: None

    def look_back(self) -> None:
        """Plan for the previous configuration from here on.

        Raises:
            HadeployError: the nodes do not keep one.
        """
        self.previous = find_previous(self.inputs, self.sessions, self.progress)

    def prepare(self, *, check: bool) -> Prepared:
        """Observe and plan.

        Args:
            check: whether what would stand in the way of `up` is an error.
        """
        return prepare(
            self.inputs,
            self.sessions,
            self.progress,
            check=check,
            choices=dataclasses.replace(self.choices, forget=(*self.choices.forget, *self.pruned)),
            previous=self.previous,
            tell=self.tell,
        )


@contextmanager
def connected_run(
    options: Options,
    outcome: Outcome,
    choices: Choices | None = None,
    *,
    tolerant: bool = False,
) -> Iterator[Run]:
    """Read the inventory and connect; connected for as long as the body lasts.

    Args:
        options: the command's.
        outcome: told the cluster's name.
        choices: what the user says about this run.
        tolerant: whether to go on with the nodes that can be reached, if any can.
    """
    chosen = choices or Choices()
    inputs = options.inputs()
    cluster = inputs.cluster
    outcome.cluster = cluster.name
    unknown_nodes(cluster, chosen.only, "--limit")
    unknown_nodes(cluster, chosen.without, "--allow-degraded")
    refuse_minority(cluster, chosen.without)
    refuse_unknown(chosen.skip, essential=False)
    dialer = options.dialer(cluster, inputs.folder)
    nodes = [node for node in cluster.nodes if node.label not in chosen.without]
    missing: dict[str, HadeployError] | None = {} if tolerant else None
    with (
        options.progress(cluster) as progress,
        connected(dialer, progress, nodes, missing=missing) as sessions,
    ):
        yield Run(
            inputs,
            dialer,
            sessions,
            progress,
            chosen,
            unreachable=missing if missing else {},
            tell=functools.partial(_tell_warnings, options, outcome),
        )


def _tell_warnings(options: Options, outcome: Outcome, findings: list[Finding]) -> None:
    """Each warning once, however often a run plans anew; failures are told as errors."""
    told = set(outcome.checks)
    for finding in findings:
        if finding.verdict == "warn" and finding not in told:
            options.err.print(finding_line(finding), soft_wrap=True)
    outcome.checks = findings
