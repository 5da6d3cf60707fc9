"""`hadeploy drain` and `hadeploy undrain`."""

from __future__ import annotations

from collections.abc import Callable

import click

from hadeploy.cli.common import (
    LOCK_WAIT,
    Options,
    Run,
    cluster_command,
    prepared_run,
    reported,
    unlocked,
)
from hadeploy.cli.verify import TIMEOUT, prove, tell_proofs
from hadeploy.errors import ExitCode, HadeployError
from hadeploy.observe.gather import observe
from hadeploy.run import drain as running

NODE = click.argument("node")


@click.command()
@NODE
@TIMEOUT
@LOCK_WAIT
@cluster_command
def drain(options: Options, node: str, timeout: float, lock_wait: float) -> int:
    """Hand the VIP over and keep it off NODE for maintenance, until `undrain`.

    It stays so over reboots and runs of `up`. Refused when no healthy node would remain.
    """
    return _change(options, "drain", node, timeout, lock_wait, running.drain)


@click.command()
@NODE
@TIMEOUT
@LOCK_WAIT
@cluster_command
def undrain(options: Options, node: str, timeout: float, lock_wait: float) -> int:
    """Let the VIP back on NODE."""
    return _change(options, "undrain", node, timeout, lock_wait, running.undrain)


def _change(
    options: Options,
    command: str,
    node: str,
    timeout: float,
    lock_wait: float,
    change: Callable[..., bool],
) -> int:
    with reported(options, command) as outcome:
        with prepared_run(options, outcome, check=False) as run:
            _known(run, node)
            unlocked(lambda: _once(run, node, change), run.progress, lock_wait)
            prove(run, outcome, timeout, looked=False)
        tell_proofs(options, outcome)
    return outcome.code


def _once(run: Run, node: str, change: Callable[..., bool]) -> None:
    cluster = run.inputs.cluster
    change(cluster, node, observe(cluster, run.sessions), run.sessions, run.progress)


def _known(run: Run, node: str) -> None:
    labels = [n.label for n in run.inputs.cluster.nodes]
    if node not in labels:
        raise HadeployError(
            f"the inventory has no node {node}; it has {', '.join(labels)}", code=ExitCode.USAGE
        )
