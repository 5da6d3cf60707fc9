"""From an inventory and open sessions to a complete plan; nothing is changed on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import jinja2
from pydantic import SecretStr

from hadeploy.desired.build import desired_nodes
from hadeploy.desired.model import DesiredNode, NodeFacts
from hadeploy.errors import NodesError
from hadeploy.inventory.model import Cluster
from hadeploy.observe.gather import observe
from hadeploy.observe.model import ObservedNode
from hadeploy.plan.blockers import blockers, interface_of
from hadeploy.plan.diff import make_plan
from hadeploy.plan.model import Plan
from hadeploy.run.progress import Progress
from hadeploy.transport.session import Session


@dataclass(frozen=True)
class Inputs:
    """All that a run is given; read once, at the start.

    Attributes:
        cluster: the inventory.
        folder: where the inventory is; paths in it are relative to that.
        jinja: the templates.
        password: the VRRP password, resolved, or None.
    """

    cluster: Cluster
    folder: Path
    jinja: jinja2.Environment
    password: SecretStr | None


@dataclass(frozen=True)
class Prepared:
    """A plan and what it was made from."""

    observed: dict[str, ObservedNode]
    desired: dict[str, DesiredNode]
    plan: Plan


def prepare(inputs: Inputs, sessions: Mapping[str, Session], progress: Progress) -> Prepared:
    """Observe and plan.

    Raises:
        NodesError: with everything that stands in the way.
    """
    progress.phase("Observe")
    observed = observe(inputs.cluster, sessions)
    progress.phase("Plan")
    return plan_from(inputs, observed)


def plan_from(inputs: Inputs, observed: dict[str, ObservedNode]) -> Prepared:
    """The pure part of `prepare`."""
    problems = blockers(inputs.cluster, observed)
    if problems:
        raise NodesError(problems)
    facts = {
        node.label: NodeFacts(interface_of(node, observed[node.label]) or "")
        for node in inputs.cluster.nodes
        if node.label in observed
    }
    desired = desired_nodes(inputs.cluster, facts, inputs.jinja, inputs.password)
    return Prepared(observed, desired, make_plan(inputs.cluster, desired, observed))
