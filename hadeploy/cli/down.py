"""`hadeploy down`."""

from __future__ import annotations

import sys
from contextlib import ExitStack

import click

from hadeploy.cli.common import Options, cluster_command, reported
from hadeploy.errors import ExitCode, HadeployError
from hadeploy.observe.gather import observe
from hadeploy.plan.down import make_down_plan
from hadeploy.run.connections import connected
from hadeploy.run.down import prove_gone, tear_down
from hadeploy.ui.render import plan_picture


@click.command()
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@cluster_command
def down(options: Options, yes: bool) -> int:
    """Remove the containers, the VIP and the files that hadeploy put on the nodes.

    Images stay. What carries no mark of ours is left alone.
    """
    with reported(options, "down") as outcome:
        cluster, folder = options.cluster()
        outcome.cluster = cluster.name
        with ExitStack() as until_done:
            with options.progress(cluster) as progress:
                sessions = until_done.enter_context(
                    connected(options.dialer(cluster, folder), progress)
                )
                progress.phase("Observe")
                observed = observe(cluster, sessions)
            outcome.plan = make_down_plan(cluster, observed)
            if outcome.plan.changes:
                options.err.print(plan_picture(outcome.plan))
                if not yes:
                    confirm(cluster.name)
            with options.progress(cluster) as progress:
                tear_down(cluster, outcome.plan, observed, sessions, progress)
                prove_gone(cluster, observed, sessions, progress)
        if not options.as_json:
            options.out.print("Nothing of ours is left on the nodes.", style="green")
    return outcome.code


def confirm(name: str) -> None:
    """Ask on the terminal.

    Raises:
        HadeployError: there is nobody to ask.
        click.Abort: the answer was no.
    """
    if not sys.stdin.isatty():
        raise HadeployError(
            "there is no terminal to ask on",
            doing="asking whether to remove all this",
            hint="say so beforehand: hadeploy down --yes",
            code=ExitCode.USAGE,
        )
    click.confirm(f"Remove cluster {name}?", abort=True, err=True)
