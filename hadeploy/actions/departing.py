"""What `plan --prune` and `up --prune` do before anything else."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from hadeploy.actions.run import Run
from hadeploy.errors import HadeployError, NodesError
from hadeploy.inventory.cluster import Node
from hadeploy.observe.gather import observe
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.down import leaving_plan
from hadeploy.plan.election import takeover_problem
from hadeploy.plan.steps import Plan
from hadeploy.plan.takeover_candidates import drains
from hadeploy.remote.connections import connected
from hadeploy.remote.session import Session
from hadeploy.rollout.prune import (
    former_nodes,
    given_nodes,
    refuse_strangers,
    remove_nodes,
    without_nodes,
)


@dataclasses.dataclass
class DepartingNodes:
    """The nodes that leave the cluster.

    Attributes:
        plan: what is done there.
        looks: as they were observed.
        staying: the nodes that stay, as they were observed.
        sessions: to those that leave.
    """

    plan: Plan
    looks: dict[str, ObservedNode]
    staying: dict[str, ObservedNode]
    sessions: dict[str, Session]

    @property
    def there(self) -> dict[str, ObservedNode]:
        """Those that something of this cluster is on."""
        return {turn.node: self.looks[turn.node] for turn in self.plan.nodes if turn.steps}

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
            if not turn.holder:
                continue
            if problem := takeover_problem(run.inputs.cluster, everyone, turn.node):
                raise problem.error("planning", turn.node)
            drained = [node for node, look in staying.items() if drains(look)]
            if drained and len(drained) == len(staying):
                raise HadeployError(
                    f"{', '.join(drained)}: drained, so no node that stays can take the VIP over",
                    node=turn.node,
                    operation="planning",
                    hint=f"hadeploy undrain {drained[0]}",
                )

    def look_again(self, run: Run) -> None:
        """Plan anew what is done there: the VIP may have moved, or their peers have changed."""
        cluster = run.inputs.cluster
        nodes = [Node.model_validate({"address": label}) for label in self.sessions]
        self.looks = observe(without_nodes(cluster, nodes), self.sessions)
        # New nodes have a record now.
        self.staying = observe(cluster, run.sessions)
        self.plan = leaving_plan(cluster, self.looks, self.staying)
        run.departing = self.there

    def take_out(self, run: Run) -> None:
        """Do it."""
        if self.plan.changes:
            cluster = run.inputs.cluster
            remove_nodes(
                cluster,
                self.plan,
                self.looks,
                self.staying,
                run.sessions,
                self.sessions,
                run.progress,
            )
            run.departing = {}


@contextmanager
def departing_nodes(run: Run) -> Iterator[DepartingNodes]:
    """Find and connect to former nodes; from then on they are no reason to refuse a plan.

    Raises:
        HadeployError: one of them cannot be reached.
    """
    # A retry begins anew.
    run.pruned, run.departing = (), {}
    if not run.choices.prune:
        yield DepartingNodes(Plan(()), {}, {}, {})
        return
    with ExitStack() as stack:
        looks, staying, sessions = _former(run, stack)
        plan = leaving_plan(run.inputs.cluster, looks, staying)
        going = DepartingNodes(plan, looks, staying, sessions)
        run.pruned, run.departing = tuple(looks), going.there
        yield going


def _former(
    run: Run, stack: ExitStack
) -> tuple[dict[str, ObservedNode], dict[str, ObservedNode], dict[str, Session]]:
    """Connect to former nodes, also to those that only the record of another one names.

    Returns:
        The nodes as observed, by address; those that stay, by label; the sessions to the former.

    Raises:
        HadeployError: one cannot be reached, or is no node of this cluster.
    """
    cluster = run.inputs.cluster
    staying = observe(cluster, run.sessions)
    given = given_nodes(cluster, run.choices.former)
    looks: dict[str, ObservedNode] = {}
    sessions: dict[str, Session] = {}
    known = {node.label: node for node in former_nodes(cluster, staying)}
    nodes = {node.label: node for node in given} | known
    while gone := [n for n in nodes.values() if n.label not in {*run.choices.forget, *looks}]:
        try:
            opened = stack.enter_context(connected(run.dialer, run.progress, gone))
        except NodesError as error:
            raise NodesError([_unreachable(e) for e in error.errors]) from error
        sessions |= opened
        looks |= observe(without_nodes(cluster, gone), opened)
        refuse_strangers(cluster, looks, staying, known)
        if given:
            nodes |= {n.label: n for n in former_nodes(cluster, {**staying, **looks})}
    return looks, staying, sessions


def _unreachable(error: HadeployError) -> HadeployError:
    error.hint = f"{error.hint or ''}; if it is gone for good: hadeploy up --forget {error.node}"
    return error
