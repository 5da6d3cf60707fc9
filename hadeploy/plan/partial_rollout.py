"""Changes that need all nodes. Pure."""

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
    """Refuse a plan that needs all nodes, if some are left out.

    Args:
        observed: the nodes that take part.
        option: the option that leaves nodes out (`--limit`, `--allow-degraded`), or "".

    Raises:
        HadeployError: nodes would ignore each other's adverts, and two would hold the VIP.
    """
    members = {str(node.address) for node in cluster.nodes}
    known = [set(state.applied.members) for state in observed.values() if state.applied]
    if option and plan.coordinated:
        raise _refusal(f"{', '.join(plan.coordinated)} must change on all nodes together", option)
    if option and any(record != members for record in known):
        raise _refusal("nodes are added or removed, which changes all nodes", option)


def unknown_nodes(cluster: Cluster, named: Collection[str], option: str) -> None:
    """Refuse names that are not in the inventory.

    Raises:
        HadeployError: with the names that are.
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
    """Refuse a run without a majority of the nodes, because another run could use the other half.

    Raises:
        HadeployError: no majority takes part.
    """
    taking_part = len(cluster.nodes) - len(set(left_out))
    if left_out and taking_part * 2 <= len(cluster.nodes):
        raise HadeployError(
            f"only {taking_part} of {len(cluster.nodes)} nodes would take part; "
            "a majority must hold the lock",
            operation="reading --allow-degraded",
            hint="repair the other nodes, or remove them from the inventory",
            code=ExitCode.USAGE,
        )


def _refusal(why: str, option: str) -> HadeployError:
    return HadeployError(
        f"{why}, so {option} cannot be used",
        operation="planning",
        hint=f"run `hadeploy up` without {option}",
        code=ExitCode.USAGE,
    )
