"""From an inventory and open sessions to a complete plan; nothing is changed on the way."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import jinja2
from pydantic import SecretStr

from hadeploy.desired.build import desired_nodes
from hadeploy.desired.model import DesiredNode, NodeFacts
from hadeploy.errors import ExitCode, HadeployError, NodesError
from hadeploy.inventory.model import Cluster
from hadeploy.inventory.parts import Image
from hadeploy.inventory.paths import beside
from hadeploy.observe.gather import observe
from hadeploy.observe.model import ObservedNode
from hadeploy.plan.blockers import addressless, blockers, forgotten, interface_of
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


def prepare(
    inputs: Inputs,
    sessions: Mapping[str, Session],
    progress: Progress,
    *,
    check: bool,
    forget: Collection[str] = (),
) -> Prepared:
    """Observe and plan.

    Args:
        inputs: all that the run was given.
        sessions: to all nodes.
        progress: told the phases.
        check: whether what would stand in the way of the plan is an error.
        forget: addresses of former nodes that the user says are gone.

    Raises:
        NodesError: with everything that stands in the way.
    """
    progress.phase("Observe")
    observed = observe(inputs.cluster, sessions)
    progress.phase("Plan")
    problems = [
        *(blockers(inputs.cluster, observed) if check else addressless(inputs.cluster, observed)),
        *(missing_archives(inputs, observed) if check else ()),
        *(forgotten(inputs.cluster, observed, forget) if check else ()),
    ]
    if problems:
        raise NodesError(problems)
    facts = {
        node.label: NodeFacts(interface_of(node, observed[node.label]) or "")
        for node in inputs.cluster.nodes
        if node.label in observed
    }
    desired = desired_nodes(inputs.cluster, facts, inputs.jinja, inputs.password)
    return Prepared(observed, desired, make_plan(inputs.cluster, desired, observed))


def missing_archives(inputs: Inputs, observed: Mapping[str, ObservedNode]) -> list[HadeployError]:
    """Archives that some node needs and that are not there."""
    found = []
    for role in ("haproxy", "keepalived"):
        image: Image = getattr(inputs.cluster.images, role)
        needed = any(image.reference not in node.images for node in observed.values())
        if needed and image.archive:
            path = beside(inputs.folder, image.archive)
            if not path.is_file():
                found.append(
                    HadeployError(
                        f"{path}: no such file",
                        doing=f"reading images.{role}.archive",
                        hint="make it with: docker save IMAGE -o FILE",
                        code=ExitCode.USAGE,
                    )
                )
    return found
