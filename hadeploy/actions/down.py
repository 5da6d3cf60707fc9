"""`down`: remove what hadeploy created."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack

from hadeploy.actions.deployment import Deployment
from hadeploy.actions.result import Result
from hadeploy.actions.retry import retry_when_locked
from hadeploy.actions.user_interface import UserInterface
from hadeploy.check.finding import CheckContext, failures
from hadeploy.check.former_nodes import forgotten_node, naming_records
from hadeploy.check.our_folder import moved_folders
from hadeploy.desired.containers import removal_command
from hadeploy.errors import ExitCode, HadeployError, NodesError
from hadeploy.inventory.cluster import Cluster
from hadeploy.inventory.problems import printable
from hadeploy.observe.gather import observe
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.down import make_down_plan
from hadeploy.plan.inputs import RunOptions
from hadeploy.plan.partial_rollout import unknown_nodes
from hadeploy.plan.steps import Plan
from hadeploy.remote.connections import connected
from hadeploy.rollout.down import prove_gone, tear_down
from hadeploy.rollout.prune import former_nodes
from hadeploy.verify.strangers import forgotten_nodes


def take_down(
    deployment: Deployment,
    result: Result,
    choices: RunOptions,
    lock_wait: float,
    *,
    consent: bool,
) -> tuple[str, ...]:
    """Remove the containers, the VIP and the files.

    Args:
        result: receives the plan.
        choices: the nodes to forget, and the nodes to leave out.
        lock_wait: seconds to wait for another run.
        consent: skip the confirmation.

    Returns:
        The nodes that were left out.

    Raises:
        HadeployError: a node is unreachable, or belongs to another cluster.
        Exception: the user declines.
    """
    cluster, ui = deployment.cluster, deployment.ui
    result.cluster = cluster.name
    unknown_nodes(cluster, choices.without, "--allow-degraded")
    dialer = deployment.dialer()
    nodes = [node for node in cluster.nodes if node.label not in choices.without]
    if not nodes:
        raise HadeployError(
            "--allow-degraded leaves out every node: nothing would be removed",
            hint="leave out only nodes that are down",
            code=ExitCode.USAGE,
        )
    with ExitStack() as connections:
        with ui.progress(cluster) as progress:
            missing: dict[str, HadeployError] = {}
            connection = connected(dialer, progress, nodes, missing=missing)
            sessions = connections.enter_context(connection)
            progress.phase("Observe")
            observed = observe(cluster, sessions)
        result.plan = make_down_plan(cluster, observed)
        if missing:
            _refuse_unreachable(ui, result.plan, missing)
        left_out = LeftOutNodes(cluster, observed, choices.forget, choices.without)
        left_out.refuse_unexpected()
        if result.plan.changes:
            ui.plan(result.plan)
            for sentence in left_out.warnings():
                ui.warning(sentence)
            if not consent:
                ui.confirm(f"Remove cluster {cluster.name}?")
        with ui.progress(cluster) as progress:
            unused = [observed]

            def work() -> None:
                state = unused.pop() if unused else observe(cluster, sessions)
                result.plan = make_down_plan(cluster, state)
                tear_down(cluster, result.plan, state, sessions, progress)

            retry_when_locked(work, progress, lock_wait)
            other_files = prove_gone(cluster, observed, sessions, progress)
    for node, files in other_files.items():
        ui.warning(printable(f"{node}: not removed from {cluster.root}: {', '.join(files)}"))
    return left_out.names


class LeftOutNodes:
    """The nodes that a teardown leaves out.

    Args:
        observed: the nodes that are torn down, by label.
        forget: addresses of former nodes that are gone for good (`--forget`).
        without: labels of unreachable nodes (`--allow-degraded`).
    """

    def __init__(
        self,
        cluster: Cluster,
        observed: Mapping[str, ObservedNode],
        forget: Sequence[str],
        without: Sequence[str],
    ) -> None:
        self._cluster, self._observed = cluster, observed
        former = [node.label for node in former_nodes(cluster, observed)]
        self._unexpected = [address for address in former if address not in forget]
        context = CheckContext(cluster, observed, forget=tuple(forget))
        findings = [forgotten_node(context, address) for address in former if address in forget]
        findings += moved_folders(cluster, observed)
        self._refused = [finding.error() for finding in failures(findings)]
        gone = [*former, *forgotten_nodes(cluster, observed)]
        self.names = tuple(dict.fromkeys([*without, *gone]))

    def refuse_unexpected(self) -> None:
        """Refuse to remove records that are the only trace of another node.

        Raises:
            NodesError: every former node that is not to be forgotten, every node to be forgotten
                that still takes part, and every node whose files are in another directory.
        """
        errors = [*self._refused, *map(self._unknown, self._unexpected)]
        if errors:
            raise NodesError(errors)

    def _unknown(self, address: str) -> HadeployError:
        by, doubt = naming_records(self._cluster, self._observed.values(), address)
        return HadeployError(
            f"{address} was a node of this cluster{by} and is not in the inventory",
            operation="observing",
            hint="stop it first: `hadeploy up --prune`, or add it to the inventory again; "
            f"if it is gone for good: hadeploy down --forget {address}{doubt}",
            code=ExitCode.UNREACHABLE,
        )

    def warnings(self) -> list[str]:
        """One sentence per node: its risk, and the command that removes it."""
        vips = " and ".join(str(vip.ip) for vip in self._cluster.vip)
        command = removal_command(self._cluster)
        return [
            f"{name} is not removed: when it is back on the network, it takes {vips}; "
            f"before it is connected, run there: `{command}`"
            for name in self.names
        ]


def _refuse_unreachable(ui: UserInterface, plan: Plan, missing: dict[str, HadeployError]) -> None:
    """Show the plan and refuse it: an unreachable node would come back with the VIP.

    Raises:
        NodesError: always, with every unreachable node.
    """
    if plan.changes:
        ui.plan(plan, note="Not removed yet from the reachable nodes:")
    for node, error in missing.items():
        advice = f"if it is down or gone for good: hadeploy down --allow-degraded {node}"
        error.hint = f"{error.hint}; {advice}" if error.hint else advice
    raise NodesError(list(missing.values()))
