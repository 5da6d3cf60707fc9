"""The desired state of all nodes of a run, and the forgotten nodes for their records."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence

from pydantic import SecretStr

from hadeploy.desired.build import desired_nodes
from hadeploy.desired.desired_node import DesiredNode, NodeFacts
from hadeploy.desired.templates import environment
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.observe.subnets import interface_of
from hadeploy.plan.inputs import Inputs, RunOptions
from hadeploy.plan.vrrp_settings import own_addresses

NO_CHOICES = RunOptions()


def desired_state(
    inputs: Inputs,
    cluster: Cluster,
    observed: Mapping[str, ObservedNode],
    password: SecretStr | None,
    choices: RunOptions = NO_CHOICES,
    *,
    members: Sequence[str] = (),
    everyone: Mapping[str, ObservedNode] | None = None,
) -> dict[str, DesiredNode]:
    """The desired state of every observed node.

    Args:
        inputs: for the templates.
        cluster: the inventory, or an intermediate state before it.
        observed: by node label.
        password: the VRRP password of that state.
        choices: the former nodes that this run forgets, and those that it stops.
        members: the addresses of all nodes, if some are not in the inventory.
        everyone: all nodes with records, if some are not in the inventory.
    """
    facts = {
        node.label: NodeFacts(interface_of(node, observed[node.label]) or "")
        for node in cluster.nodes
        if node.label in observed
    }
    forgotten = forgotten_addresses(everyone or observed, choices, facts)
    jinja = environment(inputs.templates)
    return desired_nodes(cluster, facts, jinja, password, members, forgotten)


def with_forgotten(
    desired: Mapping[str, DesiredNode], observed: Mapping[str, ObservedNode], choices: RunOptions
) -> dict[str, DesiredNode]:
    """The desired state with the forgotten nodes, which stay in the records until they are pruned.

    Args:
        desired: by node label.
        observed: by node label; their records name former and forgotten nodes.
        choices: the former nodes that this run forgets, and those that it stops.
    """
    present = [node for node in desired if node in observed]
    forgotten = forgotten_addresses(observed, choices, present)
    return {
        node: dataclasses.replace(state, forgotten=tuple(sorted(forgotten - set(state.members))))
        for node, state in desired.items()
    }


def forgotten_addresses(
    observed: Mapping[str, ObservedNode], choices: RunOptions, present: Collection[str]
) -> set[str]:
    """The addresses of nodes that left without being stopped, from the records and the options.

    Args:
        observed: by node label; their records name former and forgotten nodes.
        choices: the former nodes that this run forgets, and those that it stops.
        present: labels of the nodes in the inventory.
    """
    records = [state.applied for state in observed.values() if state.applied]
    former = {address for record in records for address in record.members}
    forgotten = {address for record in records for address in record.forgotten}
    own = {address for label in present for address in own_addresses(observed[label])}
    return (forgotten | former.intersection(choices.forget)) - set(choices.pruned) - own
