"""What stands in the way of a plan: the checks that fail, as errors. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from hadeploy.check.evaluate import evaluate
from hadeploy.check.model import Finding, Sight, failures
from hadeploy.check.network import addressless as addressless_node
from hadeploy.check.places import former_nodes
from hadeploy.errors import HadeployError
from hadeploy.inventory.model import Cluster
from hadeploy.observe.model import ObservedNode


def blockers(
    cluster: Cluster, observed: Mapping[str, ObservedNode], *, adopt: bool = False
) -> list[HadeployError]:
    """Everything that would make the plan fail on the nodes that were observed.

    Args:
        cluster: the inventory.
        observed: by node label.
        adopt: whether a cluster that was set up by hand is taken over.
    """
    sight = Sight(cluster, observed, adopt)
    return [finding.error() for finding in failures(evaluate(sight)) if finding.node is not None]


def forgotten(
    cluster: Cluster, observed: Mapping[str, ObservedNode], allowed: Collection[str]
) -> list[HadeployError]:
    """Nodes that the records on the others name and the inventory does not.

    Args:
        cluster: the inventory.
        observed: by node label.
        allowed: addresses that the user says are gone.
    """
    sight = Sight(cluster, observed, forget=tuple(allowed))
    return [finding.error() for finding in failures(list(former_nodes(sight)))]


def addressless(cluster: Cluster, observed: Mapping[str, ObservedNode]) -> list[HadeployError]:
    """The one thing without which not even the desired state can be told."""
    return [
        Finding("interface", node.label, "fail", *problem).error()
        for node, look in Sight(cluster, observed).nodes
        for problem in addressless_node(node, look)
    ]
