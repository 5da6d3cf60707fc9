"""What `plan` asks the programs themselves: whether they would take the new files.

The files go to the stdin of a container that is removed again; nothing is written on the node.
"""

from __future__ import annotations

from collections.abc import Mapping

from hadeploy.desired.desired_node import DesiredNode, Role
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.steps import Plan
from hadeploy.progress import Progress
from hadeploy.remote.fanout import each
from hadeploy.remote.session import Session
from hadeploy.rollout.prepare import Prepared
from hadeploy.rollout.scripts import trial_script
from hadeploy.rollout.validation import ConfigWarning, judged

_TRIED = ("write-file", "create-container", "recreate-container")


def try_files(
    prepared: Prepared, sessions: Mapping[str, Session], progress: Progress
) -> list[ConfigWarning]:
    """Have each node's programs check what they would be given, all nodes at once.

    Args:
        prepared: the plan.
        sessions: by node label.
        progress: told the phase, if there is anything to check.

    Returns:
        Their warnings.

    Raises:
        NodesError: with every refusal.
    """
    roles = {
        node: tried(prepared.plan, node, prepared.desired[node], prepared.observed[node])
        for node in dict.fromkeys(turn.node for turn in prepared.plan.nodes)
    }
    todo = {node: of_node for node, of_node in roles.items() if of_node}
    if not todo:
        return []
    progress.phase("Validate")

    def ask(node: str) -> list[ConfigWarning]:
        desired = prepared.desired[node]
        script = trial_script(desired, todo[node])
        return judged(sessions[node].run(script, operation="validating"), desired, "validating")

    return [warning for found in each(ask, todo) for warning in found]


def tried(plan: Plan, node: str, desired: DesiredNode, observed: ObservedNode) -> list[Role]:
    """The programs that get a new file or a new container, and whose image is there already. Pure.

    Args:
        plan: the steps.
        node: its label.
        desired: what it should have.
        observed: the same node.
    """
    changed = {
        step.role
        for turn in plan.nodes
        if turn.node == node
        for step in turn.steps
        if step.action in _TRIED
    }
    return [
        container.role
        for container in desired.containers
        if container.role in changed and container.image in observed.images
    ]
