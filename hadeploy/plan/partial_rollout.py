"""What must not be done to some of the nodes only. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from hadeploy.errors import ExitCode, HadeployError
from hadeploy.inventory.cluster import Cluster

if TYPE_CHECKING:
    from hadeploy.observe.observed_node import ObservedNode
    from hadeploy.plan.steps import Plan


def refuse_partial(
    cluster: Cluster, plan: Plan, observed: Mapping[str, ObservedNode], option: str
) -> None:
    """Refuse a plan that needs all nodes, when some are left out.

    Args:
        cluster: the inventory.
        plan: what would be done.
        observed: the nodes that take part.
        option: what leaves nodes out (`--limit`, `--allow-degraded`), or "".

    Raises:
        HadeployError: nodes would no longer hear each other, and two would hold the VIP.
    """
    members = {str(node.address) for node in cluster.nodes}
    known = [set(look.applied.members) for look in observed.values() if look.applied]
    if option and plan.together:
        raise _refusal(f"{', '.join(plan.together)} must change on all nodes together", option)
    if option and any(record != members for record in known):
        raise _refusal("nodes are added or removed, and all others must learn of it", option)


def unknown_nodes(cluster: Cluster, named: Collection[str], option: str) -> None:
    """Refuse names that the inventory does not have.

    Raises:
        HadeployError: naming those that it has.
    """
    labels = [node.label for node in cluster.nodes]
    for name in named:
        if name not in labels:
            raise HadeployError(
                f"the inventory has no node {name}; it has {', '.join(labels)}",
                operation=f"reading {option}" if option else None,
                code=ExitCode.USAGE,
            )


def refuse_minority(cluster: Cluster, left_out: Collection[str]) -> None:
    """Refuse to go on without half of the nodes: another run might go on without the others.

    Raises:
        HadeployError: fewer than a majority would take part.
    """
    taking_part = len(cluster.nodes) - len(set(left_out))
    if left_out and taking_part * 2 <= len(cluster.nodes):
        raise HadeployError(
            f"only {taking_part} of {len(cluster.nodes)} nodes would take part; "
            "a majority has to hold the lock",
            operation="reading --allow-degraded",
            hint="bring the others back, or take them out of the inventory",
            code=ExitCode.USAGE,
        )


def _refusal(why: str, option: str) -> HadeployError:
    return HadeployError(
        f"{why}, so {option} is not possible",
        operation="planning",
        hint=f"run `hadeploy up` without {option}",
        code=ExitCode.USAGE,
    )
