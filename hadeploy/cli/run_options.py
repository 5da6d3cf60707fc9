"""The options of a run."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click

from hadeploy.answers.answer import PROOF_HERE
from hadeploy.api import TIMEOUT_SECONDS
from hadeploy.plan.inputs import RunOptions

Command = TypeVar("Command", bound=Callable[..., Any])

LOCK_WAIT = click.option(
    "--lock-wait",
    type=click.FloatRange(min=0),
    default=0.0,
    metavar="SECONDS",
    help="Wait this long for the lock of another run.",
)
TIMEOUT = click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    default=TIMEOUT_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="Wait this long for all proofs to hold.",
)
SKIP = click.option(
    "--skip", multiple=True, metavar="CHECK", help="Skip a check, by its id; can be repeated."
)

FORGET = click.option(
    "--forget",
    multiple=True,
    metavar="ADDRESS",
    help="Forget a former node that is gone for good; can be repeated.",
)
ALLOW_DEGRADED = click.option(
    "--allow-degraded",
    multiple=True,
    metavar="NODE",
    help="Leave out an unreachable node; can be repeated.",
)
SKIP_HERE = click.option(
    "--skip",
    multiple=True,
    type=click.Choice([PROOF_HERE]),
    metavar="PROOF",
    help=f"Skip {PROOF_HERE}, if this machine is not a client.",
)


def run_options(command: Command) -> Command:
    """Add the options of a run to a command, as one `choices` argument."""

    @FORGET
    @click.option(
        "--prune",
        is_flag=True,
        help="Clean up nodes that were removed from the inventory.",
    )
    @click.option(
        "--former",
        multiple=True,
        metavar="ADDRESS",
        help="Address of a former node for --prune, if all nodes are replaced; can be repeated.",
    )
    @click.option("--adopt", is_flag=True, help="Take over a cluster that was set up by hand.")
    @click.option(
        "--limit", multiple=True, metavar="NODE", help="Change only this node; can be repeated."
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
            raise click.UsageError("--former requires --prune")
        choices = RunOptions(forget, prune, limit, allow_degraded, adopt, skip, former=former)
        return command(choices=choices, **others)

    return wrapped  # type: ignore[return-value]


ROLLBACK = click.option(
    "--rollback",
    is_flag=True,
    help="Restore the configuration before the last change, instead of applying the inventory.",
)
