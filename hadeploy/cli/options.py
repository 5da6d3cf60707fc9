"""The common options of the commands on a cluster, allowed before and after the command."""

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
        help="Inventory file [env: HADEPLOY_INVENTORY; default: ./inventory.yaml]",
    ),
    click.option(
        "--accept-new-host-keys",
        is_flag=True,
        help="Accept host keys of unknown hosts; changed keys are always refused.",
    ),
    click.option(
        "--ask-sudo-password",
        is_flag=True,
        help="Ask once for the sudo password of the nodes.",
    ),
    click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout (docs/json.md)."),
    click.option("--no-color", is_flag=True, help="Disable colours [env: NO_COLOR]"),
    click.option("--debug", is_flag=True, help="Show tracebacks."),
)


def common_options(command: Decorated) -> Decorated:
    """Add the parameters of cli.common.Options to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
