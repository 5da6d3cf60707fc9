"""The first phase of `plan --prune` and `up --prune`: nodes that leave the cluster."""

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
        plan: the steps on these nodes.
        observed: these nodes, by address.
        staying: the nodes that stay, by label.
        sessions: the connections to these nodes, by address.
    """

    plan: Plan
    observed: dict[str, ObservedNode]
    staying: dict[str, ObservedNode]
    sessions: dict[str, Session]

    @property
    def not_removed(self) -> dict[str, ObservedNode]:
        """The nodes that still have files or containers of this cluster, by address."""
        return {turn.node: self.observed[turn.node] for turn in self.plan.nodes if turn.steps}

    def check_takeover(self, run: Run, staying: Mapping[str, ObservedNode]) -> None:
        """Check that the VIP of a departing holder moves to a node that may have it.

        Args:
            staying: the nodes that stay, by label.

        Raises:
            HadeployError: keepalived would elect another node, or none.
        """
        for turn in self.plan.nodes:
            if not turn.holder:
                continue
            together = {**staying, turn.node: self.observed[turn.node]}
            if problem := takeover_problem(run.inputs.cluster, together, turn.node):
                raise problem.error("planning", turn.node)
            drained = [label for label, node in staying.items() if drains(node)]
            if drained and len(drained) == len(staying):
                raise HadeployError(
                    f"every remaining node is drained ({', '.join(drained)}): "
                    "none can take over the VIP",
                    node=turn.node,
                    operation="planning",
                    hint=f"hadeploy undrain {drained[0]}",
                )

    def refresh(self, run: Run) -> None:
        """Observe and plan again: the VIP may have moved, and peers may have changed."""
        cluster = run.inputs.cluster
        nodes = [Node.model_validate({"address": label}) for label in self.sessions]
        self.observed = observe(without_nodes(cluster, nodes), self.sessions)
        # New nodes have a record now.
        self.staying = observe(cluster, run.sessions)
        self.plan = leaving_plan(cluster, self.observed, self.staying)
        run.departing = self.not_removed

    def remove(self, run: Run) -> None:
        """Remove the nodes from the cluster."""
        if self.plan.changes:
            cluster = run.inputs.cluster
            remove_nodes(
                cluster,
                self.plan,
                self.observed,
                self.staying,
                run.sessions,
                self.sessions,
                run.progress,
            )
            run.departing = {}


@contextmanager
def departing_nodes(run: Run) -> Iterator[DepartingNodes]:
    """Find and connect to former nodes; plans of this run then accept that they exist.

    Raises:
        HadeployError: one of them is unreachable.
    """
    # A retry starts from the beginning.
    run.pruned, run.departing = (), {}
    if not run.choices.prune:
        yield DepartingNodes(Plan(()), {}, {}, {})
        return
    with ExitStack() as stack:
        observed, staying, sessions = _former(run, stack)
        plan = leaving_plan(run.inputs.cluster, observed, staying)
        departing = DepartingNodes(plan, observed, staying, sessions)
        run.pruned, run.departing = tuple(observed), departing.not_removed
        yield departing


def _former(
    run: Run, stack: ExitStack
) -> tuple[dict[str, ObservedNode], dict[str, ObservedNode], dict[str, Session]]:
    """Connect to former nodes, including those that only the record of a former node names.

    Returns:
        The observed former nodes by address, the observed nodes that stay by label, and the
        sessions to the former nodes.

    Raises:
        HadeployError: one is unreachable, or was never a node of this cluster.
    """
    cluster = run.inputs.cluster
    staying = observe(cluster, run.sessions)
    given = given_nodes(cluster, run.choices.former)
    observed: dict[str, ObservedNode] = {}
    sessions: dict[str, Session] = {}
    known = {node.label: node for node in former_nodes(cluster, staying)}
    nodes = {node.label: node for node in given} | known
    while gone := [n for n in nodes.values() if n.label not in {*run.choices.forget, *observed}]:
        # Only the record of another node may name it: the host that answers must be a known one
        # before it gets the sudo password.
        named = all(node.label in run.choices.former for node in gone)
        dialer = run.dialer if named else dataclasses.replace(run.dialer, accept_new=False)
        try:
            opened = stack.enter_context(connected(dialer, run.progress, gone))
        except NodesError as error:
            raise NodesError([_unreachable(e) for e in error.errors]) from error
        sessions |= opened
        observed |= observe(without_nodes(cluster, gone), opened)
        refuse_strangers(cluster, observed, staying, known)
        if given:
            nodes |= {n.label: n for n in former_nodes(cluster, {**staying, **observed})}
    return observed, staying, sessions


def _unreachable(error: HadeployError) -> HadeployError:
    if "--accept-new-host-keys" in (error.hint or ""):
        error.hint = f"connect once with ssh {error.node} and compare the fingerprint"
    error.hint = f"{error.hint or ''}; if it is gone for good: hadeploy up --forget {error.node}"
    return error
