"""`plan`: validates the new files with the real programs.

The files are the stdin of a temporary container; nothing is written on the node.
"""

from __future__ import annotations

from collections.abc import Mapping

from hadeploy.desired.desired_node import DesiredNode
from hadeploy.desired.roles import Role
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.steps import Plan
from hadeploy.progress import Progress
from hadeploy.remote.fanout import each
from hadeploy.remote.session import Session
from hadeploy.rollout.prepare import Prepared
from hadeploy.rollout.staging_scripts import trial_script
from hadeploy.rollout.validation import ConfigWarning, config_warnings

_TRIED = ("write-file", "create-container", "recreate-container")


def try_files(
    prepared: Prepared, sessions: Mapping[str, Session], progress: Progress
) -> list[ConfigWarning]:
    """Validate the new files with the programs of each node, on all nodes in parallel.

    Args:
        prepared: the plan.
        sessions: by node label.
        progress: receives the phase, if there is anything to validate.

    Returns:
        The warnings of the programs.

    Raises:
        NodesError: with all refusals.
    """
    roles = {
        node: roles_to_validate(
            prepared.plan, node, prepared.desired[node], prepared.observed[node]
        )
        for node in dict.fromkeys(turn.node for turn in prepared.plan.nodes)
    }
    todo = {node: of_node for node, of_node in roles.items() if of_node}
    if not todo:
        return []
    progress.phase("Validate")

    def ask(node: str) -> list[ConfigWarning]:
        desired = prepared.desired[node]
        reply = sessions[node].run(trial_script(desired, todo[node]), operation="validating")
        return config_warnings(reply, desired, "validating")

    return [warning for found in each(ask, todo) for warning in found]


def roles_to_validate(
    plan: Plan, node: str, desired: DesiredNode, observed: ObservedNode
) -> list[Role]:
    """The programs with a new file or a new container whose image is on the node already. Pure.

    Args:
        plan: the steps.
        node: the label of the node.
        desired: its desired state.
        observed: its observed state.
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
