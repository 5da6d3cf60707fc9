"""The options of every command on a cluster; they may stand before the command, too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "-i",
        "--inventory",
        multiple=True,
        metavar="FILE",
        help="The inventory; else HADEPLOY_INVENTORY, else inventory.yaml here.",
    ),
    click.option(
        "--accept-new-host-keys",
        is_flag=True,
        help="Trust hosts seen for the first time; changed keys are always refused.",
    ),
    click.option(
        "--ask-sudo-password",
        is_flag=True,
        help="Ask once for the password that sudo on the nodes wants.",
    ),
    click.option(
        "--json", "as_json", is_flag=True, help="JSON on stdout; docs/json.md tells of it."
    ),
    click.option("--no-color", is_flag=True, help="No colours; NO_COLOR works too."),
    click.option("--debug", is_flag=True, help="Show tracebacks."),
)


def common_options(command: Decorated) -> Decorated:
    """Give a command the parameters that cli.common.Options is made of."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
