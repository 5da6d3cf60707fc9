"""The options that choose what a run is about."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click

from hadeploy.answers.answer import PROOF_HERE
from hadeploy.plan.inputs import RunOptions

Command = TypeVar("Command", bound=Callable[..., Any])

SKIP = click.option(
    "--skip", multiple=True, metavar="CHECK", help="Leave out a check, by its id; can be repeated."
)

FORGET = click.option(
    "--forget",
    multiple=True,
    metavar="ADDRESS",
    help="A former node that is stopped or gone for good.",
)
ALLOW_DEGRADED = click.option(
    "--allow-degraded",
    multiple=True,
    metavar="NODE",
    help="Leave out a node that cannot be reached; can be repeated.",
)
SKIP_HERE = click.option(
    "--skip",
    multiple=True,
    type=click.Choice([PROOF_HERE]),
    metavar="PROOF",
    help=f"{PROOF_HERE}: this machine is not to be served.",
)


def run_options(command: Command) -> Command:
    """Give a command the options that choose what a run is about, as one `choices` argument."""

    @FORGET
    @click.option(
        "--prune",
        is_flag=True,
        help="Stop and clean nodes that left the inventory.",
    )
    @click.option(
        "--former",
        multiple=True,
        metavar="ADDRESS",
        help="A node for --prune that no node of the inventory has a record of.",
    )
    @click.option(
        "--adopt", is_flag=True, help="Take over a cluster that was set up by hand, node by node."
    )
    @click.option(
        "--limit", multiple=True, metavar="NODE", help="Change this node only; can be repeated."
    )
    @ALLOW_DEGRADED
    @SKIP
    @functools.wraps(command)
    def wrapped(
        *,
        forget: tuple[str, ...],
        prune: bool,
        former: tuple[str, ...],
        limit: tuple[str, ...],
        allow_degraded: tuple[str, ...],
        adopt: bool,
        skip: tuple[str, ...],
        **others: Any,
    ) -> Any:
        if former and not prune:
            raise click.UsageError("--former names nodes for --prune; add --prune")
        choices = RunOptions(forget, prune, limit, allow_degraded, adopt, skip, former=former)
        return command(choices=choices, **others)

    return wrapped  # type: ignore[return-value]


ROLLBACK = click.option(
    "--rollback",
    is_flag=True,
    help="Go back to what was applied before the last change, instead of to the inventory.",
)
