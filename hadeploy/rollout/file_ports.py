"""Checks the ports in rendered files against the nodes. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from hadeploy.check.finding import CheckContext, Finding
from hadeploy.check.planned_ports import planned_ports
from hadeploy.check.ports import PORTS
from hadeploy.desired.desired_node import DesiredNode
from hadeploy.desired.rendered_binds import has_templates
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.inputs import Inputs, RunOptions


def ports_of_files(
    inputs: Inputs,
    observed: Mapping[str, ObservedNode],
    desired: Mapping[str, DesiredNode],
    choices: RunOptions,
) -> list[Finding]:
    """The ports in the new haproxy.cfg of each node, from templates, that haproxy cannot bind.

    Args:
        inputs: of the run.
        observed: by node label.
        desired: by node label.
        choices: the checks to skip.
    """
    if PORTS.id in choices.skip or not has_templates(inputs.cluster):
        return []
    context = CheckContext(inputs.cluster, observed, choices.adopt)
    return [
        finding
        for node, state in context.nodes
        if node.label in desired and node.label in (choices.only or desired)
        for finding in planned_ports(context, node, state, desired[node.label])
    ]
