"""What the commands share: options, inventory, consoles, and the document of --json."""

from __future__ import annotations

import functools
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import click
from pydantic import SecretStr
from rich.console import Console
from rich.text import Text

from hadeploy.desired.templates import environment
from hadeploy.errors import ExitCode, HadeployError, NodesError
from hadeploy.inventory.load import find_inventory, read_inventory
from hadeploy.inventory.model import Cluster
from hadeploy.inventory.paths import beside
from hadeploy.inventory.secrets import resolve, vrrp_password
from hadeploy.plan.model import Plan
from hadeploy.run.connections import connected
from hadeploy.run.lock import LockedError, StaleError
from hadeploy.run.prepare import Inputs, Prepared, prepare
from hadeploy.run.progress import Progress
from hadeploy.transport.connect import Dialer
from hadeploy.transport.session import Session
from hadeploy.ui.progress import Lines, Screen
from hadeploy.verify.model import Proof

# Tables in logs and pipes are not folded.
UNFOLDED = 160

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass
class Options:
    """The options that every command on a cluster has."""

    inventory: str | None
    accept_new_host_keys: bool
    as_json: bool
    no_color: bool
    debug: bool

    @functools.cached_property
    def err(self) -> Console:
        """For people; stdout belongs to results."""
        return self._console(stderr=True)

    @functools.cached_property
    def out(self) -> Console:
        """For results."""
        return self._console(stderr=False)

    def _console(self, *, stderr: bool) -> Console:
        stream = sys.stderr if stderr else sys.stdout
        width = None if stream.isatty() else UNFOLDED
        return Console(stderr=stderr, no_color=self.no_color or None, highlight=False, width=width)

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
        path = find_inventory(self.inventory, os.environ, Path.cwd())
        cluster, warnings = read_inventory(path)
        for warning in warnings:
            self.err.print(Text(f"warning: {warning}", "yellow"), soft_wrap=True)
        return cluster, path.resolve().parent

    def inputs(self) -> Inputs:
        """Read the inventory, the templates and the secrets.

        Raises:
            HadeployError: with every mistake at its place; nothing was touched.
        """
        cluster, folder = self.cluster()
        override = cluster.templates.folder
        return Inputs(
            cluster=cluster,
            folder=folder,
            jinja=environment(beside(folder, override) if override else None),
            password=_password(cluster.vrrp.password, folder),
        )

    def dialer(self, cluster: Cluster, folder: Path) -> Dialer:
        """How to connect to that cluster's nodes."""
        return Dialer(cluster, folder, self.accept_new_host_keys)

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


def _password(reference: str | None, folder: Path) -> SecretStr | None:
    if reference is None:
        return None
    return vrrp_password(resolve(reference, environ=os.environ, folder=folder), reference)


FORGET = click.option(
    "--forget",
    multiple=True,
    metavar="ADDRESS",
    help="A former node that is stopped or gone for good.",
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

    @click.option(
        "-i", "--inventory", metavar="FILE", help="The inventory; default inventory.yaml."
    )
    @click.option(
        "--accept-new-host-keys",
        is_flag=True,
        help="Trust hosts seen for the first time; changed keys are always refused.",
    )
    @click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
    @click.option("--no-color", is_flag=True, help="No colours; NO_COLOR works too.")
    @click.option("--debug", is_flag=True, help="Show tracebacks.")
    @functools.wraps(command)
    def wrapped(
        inventory: str | None,
        accept_new_host_keys: bool,
        as_json: bool,
        no_color: bool,
        debug: bool,
        **others: Any,
    ) -> Any:
        options = Options(inventory, accept_new_host_keys, as_json, no_color, debug)
        return command(options=options, **others)

    return wrapped  # type: ignore[return-value]


@dataclass
class Outcome:
    """What a command found and did; the document of --json is made from it."""

    command: str
    cluster: str | None = None
    plan: Plan | None = None
    proofs: list[Proof] = field(default_factory=list)
    errors: list[HadeployError] = field(default_factory=list)
    code: ExitCode = ExitCode.OK

    def document(self) -> dict[str, Any]:
        """As docs/json.md describes it."""
        return {
            "command": self.command,
            "cluster": self.cluster,
            "exit_code": int(self.code),
            "changes": self.plan.changes if self.plan else None,
            "plan": self.plan.document() if self.plan else None,
            "proofs": [proof.document() for proof in self.proofs],
            "errors": [
                {
                    "node": error.node,
                    "doing": error.doing,
                    "message": error.what,
                    "detail": error.detail,
                    "hint": error.hint,
                }
                for error in self.errors
            ],
        }


@contextmanager
def reported(options: Options, command: str) -> Iterator[Outcome]:
    """Run a command's body; with --json, print one document however it ends."""
    outcome = Outcome(command)
    try:
        yield outcome
    except HadeployError as error:
        outcome.code = error.code
        outcome.errors = error.errors if isinstance(error, NodesError) else [error]
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
            click.echo(json.dumps(outcome.document(), indent=2))


@dataclass
class Run:
    """A cluster that is connected, observed and planned for."""

    inputs: Inputs
    sessions: dict[str, Session]
    prepared: Prepared
    progress: Progress


@contextmanager
def prepared_run(
    options: Options, outcome: Outcome, *, check: bool = True, forget: Collection[str] = ()
) -> Iterator[Run]:
    """Read the inventory, connect, observe and plan; connected for as long as the body lasts.

    Args:
        options: the command's.
        outcome: told the cluster's name.
        check: whether what would stand in the way of `up` is an error.
        forget: addresses of former nodes that the user says are gone.
    """
    inputs = options.inputs()
    outcome.cluster = inputs.cluster.name
    dialer = options.dialer(inputs.cluster, inputs.folder)
    with options.progress(inputs.cluster) as progress, connected(dialer, progress) as sessions:
        prepared = prepare(inputs, sessions, progress, check=check, forget=forget)
        yield Run(inputs, sessions, prepared, progress)
