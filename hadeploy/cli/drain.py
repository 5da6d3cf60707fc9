"""`hadeploy drain` and `hadeploy undrain`."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable

import click

from hadeploy.answers.answer import PROOF_HERE
from hadeploy.cli.cluster_run import LOCK_WAIT, TIMEOUT, Run, connected_run, retry_when_locked
from hadeploy.cli.common import Options, cluster_command, reported
from hadeploy.cli.run_options import SKIP_HERE
from hadeploy.cli.verification import prove, tell_proofs
from hadeploy.observe.gather import observe
from hadeploy.plan.inputs import RunOptions
from hadeploy.plan.partial_rollout import unknown_nodes
from hadeploy.rollout import drain as running
from hadeploy.rollout.prepare import Prepared
from hadeploy.status.situation import ClusterSnapshot

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
    change = functools.partial(running.drain, asks=PROOF_HERE not in skip)
    return _change(options, "drain", node, timeout, lock_wait, change, skip)


@click.command()
@NODE
@TIMEOUT
@LOCK_WAIT
@cluster_command
def undrain(options: Options, node: str, timeout: float, lock_wait: float) -> int:
    """Allow the VIP on NODE again."""
    return _change(options, "undrain", node, timeout, lock_wait, running.undrain)


def _change(
    options: Options,
    command: str,
    node: str,
    timeout: float,
    lock_wait: float,
    change: Callable[..., bool],
    skip: tuple[str, ...] = (),
) -> int:
    with reported(options, command) as outcome:
        with connected_run(options, outcome, RunOptions(skip=skip)) as run:
            unknown_nodes(run.inputs.cluster, [node], "")
            prepared = run.prepare(check=False)
            retry_when_locked(lambda: _once(run, node, change), run.progress, lock_wait)
            prove(run, _in_force(prepared), outcome, timeout)
        tell_proofs(options, outcome)
    return outcome.code


def _in_force(prepared: Prepared) -> Prepared:
    """What the nodes were given: maintenance has nothing to do with what is still to be applied."""
    force = ClusterSnapshot(
        prepared.cluster, prepared.desired, prepared.observed, prepared.plan, {}
    ).in_force()
    nodes = tuple(node for node in force.cluster.nodes if node.label in force.desired)
    return dataclasses.replace(
        prepared,
        cluster=force.cluster.model_copy(update={"nodes": nodes}),
        desired=dict(force.desired),
        observed=dict(force.observed),
    )


def _once(run: Run, node: str, change: Callable[..., bool]) -> None:
    cluster = run.inputs.cluster
    change(cluster, node, observe(cluster, run.sessions), run.sessions, run.progress)
