"""`hadeploy unlock`."""

from __future__ import annotations

import click

from hadeploy.cli.common import Options, cluster_command, reported
from hadeploy.errors import HadeployError, NodesError
from hadeploy.remote.connections import connected
from hadeploy.rollout.lock import break_lock, holders
from hadeploy.ui.ask import confirm


@click.command()
@click.option("-y", "--yes", is_flag=True, help="Do not ask for confirmation.")
@cluster_command
def unlock(options: Options, yes: bool) -> int:
    """Release the lock of an interrupted run.

    If that run is still alive, it makes no further changes. A lock expires two minutes after its
    last renewal.
    """
    with reported(options, "unlock") as outcome:
        cluster, _ = options.cluster()
        outcome.cluster = cluster.name
        missing: dict[str, HadeployError] = {}
        with (
            options.progress(cluster) as progress,
            connected(options.dialer(), progress, cluster.nodes, missing=missing) as sessions,
        ):
            held, errors = holders(cluster, sessions)
            errors = [*missing.values(), *errors]
            for node, who in held.items():
                options.err.print(f"{node}: locked by {who}", soft_wrap=True)
            if held and not yes:
                confirm(f"Release the lock of cluster {cluster.name}?")
            if held:
                errors += break_lock(cluster, {node: sessions[node] for node in held})
            elif not errors:
                options.err.print("No node is locked.")
            if errors:
                raise NodesError(errors)
    return outcome.code
