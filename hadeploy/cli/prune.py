"""What `plan --prune` and `up --prune` do before anything else."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from hadeploy.cli.cluster_run import Run
from hadeploy.errors import HadeployError, NodesError
from hadeploy.inventory.model import Node
from hadeploy.observe.gather import observe
from hadeploy.observe.model import ObservedNode
from hadeploy.plan.down import leaving_plan
from hadeploy.plan.election import takeover_problem
from hadeploy.plan.model import Plan
from hadeploy.run.connections import connected
from hadeploy.run.prune import former_nodes, take_out, without_nodes
from hadeploy.transport.session import Session


@dataclasses.dataclass
class Leaving:
    """The nodes that leave the cluster.

    Attributes:
        plan: what is done there.
        looks: as they were observed.
        sessions: to them.
    """

    plan: Plan
    looks: dict[str, ObservedNode]
    sessions: dict[str, Session]

    def refuse(self, run: Run, staying: Mapping[str, ObservedNode]) -> None:
        """Refuse to stop a holder whose VIP would go to a node that must not have it.

        Args:
            run: the cluster.
            staying: the nodes that stay, by label.

        Raises:
            HadeployError: with the node that keepalived would elect.
        """
        for turn in self.plan.nodes:
            everyone = {**staying, turn.node: self.looks[turn.node]}
            if turn.holder and (
                problem := takeover_problem(run.inputs.cluster, everyone, turn.node)
            ):
                raise problem.error("planning", turn.node)

    def look_again(self, run: Run) -> None:
        """Plan anew what is done there: the VIP may have moved, or their peers have changed."""
        cluster = run.inputs.cluster
        nodes = [Node.model_validate({"address": label}) for label in self.sessions]
        self.looks = observe(without_nodes(cluster, nodes), self.sessions)
        self.plan = leaving_plan(cluster, self.looks)
        run.departing = self.looks

    def take_out(self, run: Run) -> None:
        """Do it."""
        if self.plan.changes:
            cluster = run.inputs.cluster
            take_out(cluster, self.plan, self.looks, run.sessions, self.sessions, run.progress)
            run.departing = {}


@contextmanager
def leaving(run: Run) -> Iterator[Leaving]:
    """Find and connect to former nodes; from then on they are no reason to refuse a plan.

    Raises:
        HadeployError: one of them cannot be reached.
    """
    # A retry begins anew.
    run.pruned, run.departing = (), {}
    if not run.choices.prune:
        yield Leaving(Plan(()), {}, {})
        return
    nodes = former_nodes(run.inputs.cluster, observe(run.inputs.cluster, run.sessions))
    gone = [node for node in nodes if node.label not in run.choices.forget]
    with ExitStack() as stack:
        try:
            sessions = stack.enter_context(connected(run.dialer, run.progress, gone))
        except NodesError as error:
            raise NodesError([_unreachable(e) for e in error.errors]) from error
        looks = observe(without_nodes(run.inputs.cluster, gone), sessions)
        run.pruned, run.departing = tuple(node.label for node in gone), looks
        yield Leaving(leaving_plan(run.inputs.cluster, looks), looks, sessions)


def _unreachable(error: HadeployError) -> HadeployError:
    error.hint = f"{error.hint or ''}; if it is gone for good: hadeploy up --forget {error.node}"
    return error
