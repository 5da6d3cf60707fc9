"""`hadeploy drain` and `hadeploy undrain`."""

from __future__ import annotations

import click

from hadeploy import api
from hadeploy.cli.common import Options, cluster_command, reported
from hadeploy.cli.proofs import print_proofs
from hadeploy.cli.run_options import LOCK_WAIT, SKIP_HERE, TIMEOUT

NODE = click.argument("node")


@click.command()
@NODE
@TIMEOUT
@LOCK_WAIT
@SKIP_HERE
@cluster_command
def drain(
    options: Options, node: str, timeout: float, lock_wait: float, skip: tuple[str, ...]
) -> int:
    """Hand the VIP over and keep it off NODE, for maintenance.

    NODE stays drained, across reboots and runs of `up`, until `undrain`. Refused if no healthy node
    would remain.
    """
    with reported(options, "drain") as outcome:
        api.drain(
            options.deployment,
            node,
            timeout=timeout,
            lock_wait=lock_wait,
            skip=skip,
            result=outcome,
        )
        print_proofs(options, outcome)
    return outcome.code


@click.command()
@NODE
@TIMEOUT
@LOCK_WAIT
@cluster_command
def undrain(options: Options, node: str, timeout: float, lock_wait: float) -> int:
    """Allow the VIP on NODE again."""
    with reported(options, "undrain") as outcome:
        api.undrain(options.deployment, node, timeout=timeout, lock_wait=lock_wait, result=outcome)
        print_proofs(options, outcome)
    return outcome.code
