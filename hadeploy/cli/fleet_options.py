"""The options of commands that accept several inventories."""

from __future__ import annotations

import functools
import importlib
import os
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from hadeploy.fleet.files import is_fleet

Command = TypeVar("Command", bound=Callable[..., Any])

VARIABLE = "HADEPLOY_INVENTORY"
# A bad change reaches four clusters before --fail-fast stops it; four clusters use two cores
# completely (docs/fleet.md).
CONCURRENCY = 4


def fleet_options(command: Command) -> Command:
    """Let a command accept several inventories; with one inventory, nothing changes.

    Args:
        command: the result of `cluster_command`.
    """

    @click.option(
        "--concurrency",
        type=click.IntRange(min=1),
        default=CONCURRENCY,
        show_default=True,
        metavar="N",
        help="Number of clusters to work on at a time, with several inventories.",
    )
    @click.option("--fail-fast", is_flag=True, help="Start no further cluster after a failure.")
    @functools.wraps(command)
    def wrapped(concurrency: int, fail_fast: bool, **others: Any) -> Any:
        named = _named(others["inventory"])
        if is_fleet(named):
            # A run on one cluster does not need this import.
            fleet = importlib.import_module("hadeploy.cli.fleet")
            context = click.get_current_context()
            return fleet.run_fleet(context, named, concurrency, fail_fast=fail_fast)
        return command(**others)

    return wrapped  # type: ignore[return-value]


def one_inventory(inventory: Sequence[str]) -> str | None:
    """The inventory of a command that accepts only one.

    Args:
        inventory: the values of -i.

    Returns:
        None without -i.

    Raises:
        click.UsageError: several inventories.
    """
    named = _named(inventory)
    if is_fleet(named):
        context = click.get_current_context()
        given = f"{named[0]} is a directory" if len(named) == 1 else f"{len(named)} were given"
        raise click.UsageError(
            f"`{context.info_name}` takes one inventory, but {given}; use -i FILE", context
        )
    return inventory[0] if inventory else None


def _named(inventory: Sequence[str]) -> Sequence[str]:
    return inventory or [name for name in (os.environ.get(VARIABLE),) if name]
