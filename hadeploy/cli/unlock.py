"""`hadeploy unlock`."""

from __future__ import annotations

import click

from hadeploy.cli.common import Options, cluster_command, reported
from hadeploy.run.connections import connected
from hadeploy.run.lock import break_lock, holders
from hadeploy.ui.ask import confirm


@click.command()
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@cluster_command
def unlock(options: Options, yes: bool) -> int:
    """Release a lock left by a dead run; if that run lives after all, it changes nothing more.

    A lock that is no longer renewed expires by itself within two minutes.
    """
    with reported(options, "unlock") as outcome:
        cluster, _ = options.cluster()
        outcome.cluster = cluster.name
        with (
            options.progress(cluster) as progress,
            connected(options.dialer(), progress, cluster.nodes) as sessions,
        ):
            held = holders(cluster, sessions)
            for node, who in held.items():
                options.err.print(f"{node}: locked by {who}")
            if not held:
                options.err.print("No node is locked.")
            elif not yes:
                confirm(f"Release the lock of cluster {cluster.name}?")
            if held:
                break_lock(cluster, sessions)
    return outcome.code
