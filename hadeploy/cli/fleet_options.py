"""Whether a command is for one cluster or for a fleet of them."""

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
# A bad change reaches four clusters before --fail-fast stops it, and four keep two cores busy
# (docs/fleet.md).
CONCURRENCY = 4


def fleet_options(command: Command) -> Command:
    """Let a command work on several clusters; with one inventory it is what it was.

    Args:
        command: made by `cluster_command`.
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
            # Imported only here, so that one cluster does not pay for it.
            fleet = importlib.import_module("hadeploy.cli.fleet")
            context = click.get_current_context()
            return fleet.run_fleet(context, named, concurrency, fail_fast=fail_fast)
        return command(**others)

    return wrapped  # type: ignore[return-value]


def one_inventory(inventory: Sequence[str]) -> str | None:
    """What -i said to a command on one cluster.

    Args:
        inventory: each -i.

    Returns:
        None if there was none.

    Raises:
        click.UsageError: several inventories are named.
    """
    named = _named(inventory)
    if is_fleet(named):
        context = click.get_current_context()
        what = f"{named[0]} is a folder" if len(named) == 1 else f"{len(named)} were named"
        raise click.UsageError(
            f"`{context.info_name}` takes one inventory, and {what}; name one file with -i", context
        )
    return inventory[0] if inventory else None


def _named(inventory: Sequence[str]) -> Sequence[str]:
    return inventory or [name for name in (os.environ.get(VARIABLE),) if name]
