"""`hadeploy down`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack

import click

from hadeploy.check.former_nodes import forgotten_node
from hadeploy.check.model import CheckContext, failures
from hadeploy.check.our_folder import moved_folders
from hadeploy.cli.cluster_run import LOCK_WAIT, retry_when_locked
from hadeploy.cli.common import Options, cluster_command, reported
from hadeploy.cli.fleet_options import fleet_options
from hadeploy.cli.run_options import ALLOW_DEGRADED, FORGET
from hadeploy.desired.containers import removal_command
from hadeploy.errors import ExitCode, HadeployError, NodesError
from hadeploy.inventory.model import Cluster
from hadeploy.observe.gather import observe
from hadeploy.observe.model import ObservedNode
from hadeploy.plan.down import make_down_plan
from hadeploy.plan.model import Plan
from hadeploy.plan.partial_rollout import unknown_nodes
from hadeploy.remote.connections import connected
from hadeploy.rollout.down import prove_gone, tear_down
from hadeploy.rollout.prune import former_nodes
from hadeploy.ui.ask import confirm
from hadeploy.ui.render import render_plan
from hadeploy.verify.strangers import forgotten_nodes


@click.command()
@click.option("-y", "--yes", is_flag=True, help="Do not ask for confirmation.")
@LOCK_WAIT
@FORGET
@ALLOW_DEGRADED
@fleet_options
@cluster_command
def down(
    options: Options,
    yes: bool,
    lock_wait: float,
    forget: tuple[str, ...],
    allow_degraded: tuple[str, ...],
) -> int:
    """Remove the containers, the VIP and the files that hadeploy created.

    Keeps the images. hadeploy never touches anything that it did not create.
    """
    with reported(options, "down") as outcome:
        cluster, _ = options.cluster()
        outcome.cluster = cluster.name
        unknown_nodes(cluster, allow_degraded, "--allow-degraded")
        dialer = options.dialer()
        nodes = [node for node in cluster.nodes if node.label not in allow_degraded]
        with ExitStack() as until_done:
            with options.progress(cluster) as progress:
                missing: dict[str, HadeployError] = {}
                sessions = until_done.enter_context(
                    connected(dialer, progress, nodes, missing=missing)
                )
                progress.phase("Observe")
                observed = observe(cluster, sessions)
            outcome.plan = make_down_plan(cluster, observed)
            if missing:
                refuse_some(options, outcome.plan, missing)
            left = Left(cluster, observed, forget, allow_degraded)
            left.refuse()
            if outcome.plan.changes:
                options.err.print(render_plan(outcome.plan))
                for sentence in left.warnings():
                    options.err.print(f"warning: {sentence}", style="yellow", soft_wrap=True)
                if not yes:
                    confirm(f"Remove cluster {cluster.name}?")
            with options.progress(cluster) as progress:
                looks = [observed]

                def work() -> None:
                    look = looks.pop() if looks else observe(cluster, sessions)
                    outcome.plan = make_down_plan(cluster, look)
                    tear_down(cluster, outcome.plan, look, sessions, progress)

                retry_when_locked(work, progress, lock_wait)
                prove_gone(cluster, observed, sessions, progress)
        if not options.as_json:
            where = "the other nodes" if left.names else "the nodes"
            options.out.print(f"Nothing of ours is left on {where}.", style="green")
    return outcome.code


class Left:
    """The nodes that a teardown leaves as they are.

    Args:
        cluster: the inventory.
        observed: the nodes that are torn down, by label.
        forget: addresses of former nodes that the user says are gone.
        without: labels of nodes that cannot be reached.
    """

    def __init__(
        self,
        cluster: Cluster,
        observed: Mapping[str, ObservedNode],
        forget: Sequence[str],
        without: Sequence[str],
    ) -> None:
        self._cluster = cluster
        former = [node.label for node in former_nodes(cluster, observed)]
        self._unexpected = [address for address in former if address not in forget]
        sight = CheckContext(cluster, observed, forget=tuple(forget))
        findings = [forgotten_node(sight, address) for address in former if address in forget]
        findings += moved_folders(cluster, observed)
        self._refused = [found.error() for found in failures(findings)]
        gone = [*former, *forgotten_nodes(cluster, observed)]
        self.names = tuple(dict.fromkeys([*without, *gone]))

    def refuse(self) -> None:
        """Refuse to remove the records that alone name a node.

        Raises:
            NodesError: with every node that the records name and the inventory does not, and that
                is not said to be gone, or takes part now; and with those whose files are elsewhere.
        """
        errors = [*self._refused, *map(self._unknown, self._unexpected)]
        if errors:
            raise NodesError(errors)

    def _unknown(self, address: str) -> HadeployError:
        return HadeployError(
            f"{address} was a node of this cluster and is not in the inventory",
            operation="looking",
            hint="`hadeploy up --prune` stops it first, or add it to the inventory again; "
            f"if it is gone for good: hadeploy down --forget {address}",
            code=ExitCode.UNREACHABLE,
        )

    def warnings(self) -> list[str]:
        """What becomes of those that are left, in sentences."""
        vips = " and ".join(str(vip.ip) for vip in self._cluster.vip)
        command = removal_command(self._cluster)
        return [
            f"{name} is left as it is: when it is back on the network, it takes {vips}; before it "
            f"is connected, run there: `{command}`"
            for name in self.names
        ]


def refuse_some(options: Options, plan: Plan, missing: dict[str, HadeployError]) -> None:
    """Tell what would be removed if all nodes could be reached; nothing is.

    A node that cannot be reached may come back, alone, with what it keeps.

    Raises:
        NodesError: always, with every node that cannot be reached.
    """
    if plan.changes:
        options.err.print("This would be removed from the nodes that can be reached:")
        options.err.print(render_plan(plan))
    for node, error in missing.items():
        advice = f"if it is down or gone for good: hadeploy down --allow-degraded {node}"
        error.hint = f"{error.hint}; {advice}" if error.hint else advice
    raise NodesError(list(missing.values()))
