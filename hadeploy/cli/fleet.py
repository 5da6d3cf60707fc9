"""A command on a fleet: it reads every inventory first, then starts one process per cluster."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from hadeploy.actions.secrets import sudo_secret, vrrp_secret
from hadeploy.check.catalogue import refuse_unknown
from hadeploy.cli.fleet_member import command_line
from hadeploy.cli.outcome import error_document, failures_recorded
from hadeploy.desired.folders import checked_folder
from hadeploy.errors import ExitCode, HadeployError, NodesError
from hadeploy.fleet.arguments import cluster_arguments, option_problems
from hadeploy.fleet.conflicts import HINT, find_conflicts
from hadeploy.fleet.files import inventory_files
from hadeploy.fleet.member import ClusterResult, Member, members
from hadeploy.fleet.render import heading, line_of, print_errors, render_fleet
from hadeploy.fleet.runner import Fleet
from hadeploy.fleet.verdict import fleet_code, with_text
from hadeploy.inventory.load import Inventory, find_inventory, read_inventory
from hadeploy.inventory.paths import beside
from hadeploy.inventory.problems import InventoryError
from hadeploy.remote.fanout import try_each
from hadeploy.ui.console import make_console


@dataclass
class FleetOutcome:
    """The result of a command on a fleet, and the source of its --json document."""

    command: str
    endings: list[ClusterResult] = field(default_factory=list)
    errors: list[HadeployError] = field(default_factory=list)
    code: ExitCode = ExitCode.OK

    def document(self) -> dict[str, Any]:
        """The document that docs/json.md describes."""
        return {
            "command": self.command,
            "exit_code": int(self.code),
            "clusters": [
                {
                    "inventory": ending.member.inventory,
                    "cluster": ending.member.cluster or None,
                    "exit_code": ending.code,
                    "seconds": None if ending.code is None else round(ending.seconds, 2),
                    "document": _loaded(ending.output),
                }
                for ending in self.endings
            ],
            "errors": [error_document(error) for error in self.errors],
        }


def run_fleet(
    context: click.Context, named: Sequence[str], concurrency: int, *, fail_fast: bool
) -> int:
    """Run a command on several clusters.

    Args:
        context: the context of the command, with its options.
        named: files and directories of inventories.
        concurrency: number of clusters at a time.
        fail_fast: start no further cluster after a failure.

    Returns:
        The exit code.

    Raises:
        click.UsageError: an option is not allowed with several inventories.
        HadeployError: every error in every inventory; nothing was changed on any node.
    """
    command = context.info_name or ""
    options = {
        param.opts[-1]: context.params[param.name]
        for param in context.command.params
        if isinstance(param, click.Option) and param.name in context.params
    }
    if refused := option_problems(command, options):
        raise click.UsageError("; ".join(refused), context)
    as_json, no_color = bool(options["--json"]), bool(options["--no-color"])
    with _reported(FleetOutcome(command), as_json=as_json) as outcome:
        refuse_unknown(options.get("--skip", ()), essential=command == "check")
        fleet = _members(command, named, outcome)
        printer = _Printer(
            make_console(stderr=False, no_color=no_color),
            make_console(stderr=True, no_color=no_color),
            as_json,
            max(len(member.label) for member in fleet),
        )
        running = Fleet(
            {member: cluster_arguments(command, member.inventory, options) for member in fleet},
            command_line,
            printer,
            concurrency=min(concurrency, len(fleet)),
            fail_fast=fail_fast,
        )
        pending = bool(options.get("--exit-code"))
        outcome.endings = [with_text(command, end, pending=pending) for end in running.run()]
        outcome.code = fleet_code(
            (ending.code for ending in outcome.endings), interrupted=running.interrupted
        )
        if not as_json:
            printer.out.print(render_fleet(outcome.endings))
        print_errors(printer.err, outcome.endings)
    return outcome.code


@dataclass(frozen=True)
class _Printer:
    """Prints the output of the processes: progress line by line, results as a whole."""

    out: Console
    err: Console
    as_json: bool
    width: int

    def line(self, member: Member, text: str) -> None:
        if text := text.rstrip():
            self.err.print(line_of(member, self.width, text), soft_wrap=True)

    def ended(self, result: ClusterResult) -> None:
        if result.output and not self.as_json:
            text = Text.assemble(heading(result.member), "\n", result.output.rstrip("\n"))
            self.out.print(text, soft_wrap=True)

    def interrupted(self) -> None:
        text = "interrupted: finishing the current nodes; press Ctrl-C again to stop waiting"
        self.err.print(text, style="yellow", soft_wrap=True)


def _members(command: str, named: Sequence[str], outcome: FleetOutcome) -> list[Member]:
    """Read every inventory.

    Raises:
        NodesError: every error in every inventory.
    """
    files = inventory_files(named)
    outcome.endings = [ClusterResult(Member(file, "", "")) for file in files]
    inventories, errors = try_each(lambda file: _read(command, file), files)
    if problems := find_conflicts(inventories):
        errors.append(InventoryError(problems, HINT))
    if errors:
        invalid = NodesError(errors)
        invalid.code = ExitCode.USAGE
        raise invalid
    pairs = zip(files, inventories, strict=True)
    return members([(file, inventory.cluster.name) for file, inventory in pairs])


def _read(command: str, file: str) -> Inventory:
    """Read one inventory, and check the files and secrets that it names.

    Raises:
        HadeployError: every error with its file and line.
    """
    path = find_inventory(file, {}, Path.cwd())
    if not path.is_file():
        raise HadeployError(
            f"{file} is not a regular file: the process of each cluster reads its inventory again",
            operation="reading the inventories",
            hint="write it to a file first",
        )
    inventory = read_inventory(path)
    folder = path.resolve().parent
    sudo_secret(inventory, folder)
    if command != "down":
        override = inventory.cluster.templates.folder
        try:
            checked_folder(beside(folder, override) if override else None)
        except HadeployError as error:
            error.operation = f"{file}: {error.operation}"
            raise
        vrrp_secret(inventory, folder)
    return inventory


@contextmanager
def _reported(outcome: FleetOutcome, *, as_json: bool) -> Iterator[FleetOutcome]:
    """Run the body of a fleet command; with --json, print one document even after an error."""
    try:
        with failures_recorded(outcome):
            yield outcome
    finally:
        if as_json:
            click.echo(json.dumps(outcome.document(), indent=2))


def _loaded(output: str) -> Mapping[str, Any] | None:
    """The document in the output of a cluster's process; None if there is none."""
    try:
        loaded: Mapping[str, Any] = json.loads(output)
    except ValueError:
        return None
    return loaded
