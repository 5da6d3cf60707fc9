"""`hadeploy down`."""

from __future__ import annotations

from contextlib import ExitStack

import click

from hadeploy.cli.cluster_run import LOCK_WAIT, unlocked
from hadeploy.cli.common import Options, cluster_command, reported
from hadeploy.cli.several import several
from hadeploy.errors import HadeployError, NodesError
from hadeploy.observe.gather import observe
from hadeploy.plan.down import make_down_plan
from hadeploy.plan.model import Plan
from hadeploy.run.connections import connected
from hadeploy.run.down import prove_gone, tear_down
from hadeploy.ui.ask import confirm
from hadeploy.ui.render import plan_picture


@click.command()
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@LOCK_WAIT
@several
@cluster_command
def down(options: Options, yes: bool, lock_wait: float) -> int:
    """Remove the containers, the VIP and the files that hadeploy put on the nodes.

    Images stay. What carries no mark of ours is left alone.
    """
    with reported(options, "down") as outcome:
        cluster, _ = options.cluster()
        outcome.cluster = cluster.name
        dialer = options.dialer()
        with ExitStack() as until_done:
            with options.progress(cluster) as progress:
                missing: dict[str, HadeployError] = {}
                sessions = until_done.enter_context(
                    connected(dialer, progress, cluster.nodes, missing=missing)
                )
                progress.phase("Observe")
                observed = observe(cluster, sessions)
            outcome.plan = make_down_plan(cluster, observed)
            if missing:
                refuse_some(options, outcome.plan, missing)
            if outcome.plan.changes:
                options.err.print(plan_picture(outcome.plan))
                if not yes:
                    confirm(f"Remove cluster {cluster.name}?")
            with options.progress(cluster) as progress:
                looks = [observed]

                def work() -> None:
                    look = looks.pop() if looks else observe(cluster, sessions)
                    outcome.plan = make_down_plan(cluster, look)
                    tear_down(cluster, outcome.plan, look, sessions, progress)

                unlocked(work, progress, lock_wait)
                prove_gone(cluster, observed, sessions, progress)
        if not options.as_json:
            options.out.print("Nothing of ours is left on the nodes.", style="green")
    return outcome.code


def refuse_some(options: Options, plan: Plan, missing: dict[str, HadeployError]) -> None:
    """Tell what would be removed if all nodes could be reached; nothing is.

    A node that cannot be reached may come back, alone, with what it keeps.

    Raises:
        NodesError: always, with every node that cannot be reached.
    """
    if plan.changes:
        options.err.print("This would be removed from the nodes that can be reached:")
        options.err.print(plan_picture(plan))
    raise NodesError(list(missing.values()))
