"""Which checks a change calls for that the first look of a run leaves out. Pure.

The first look is quick on nodes where something was applied: what takes time is asked only where it
can have another answer than the last time. That depends on what changes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from hadeploy.check.all_checks import CHECKS
from hadeploy.check.entry import Change
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.steps import Plan
from hadeploy.plan.vrrp_settings import running_settings

_MADE_ANEW = ("create-container", "recreate-container")


def needed(
    cluster: Cluster, plan: Plan, observed: Mapping[str, ObservedNode], skip: Collection[str] = ()
) -> frozenset[str]:
    """The checks that a plan calls for and that were not made.

    Args:
        plan: the steps.
        observed: by node label.
        skip: ids of checks that the user leaves out.

    Returns:
        Their ids.
    """
    planned = {turn.node: observed[turn.node] for turn in plan.nodes if turn.steps}
    # Where nothing was applied yet all of it was asked.
    quick = {node: look for node, look in planned.items() if not look.host.thorough}
    if not quick:
        return frozenset()
    known = {vip.partition("/")[0] for look in observed.values() for vip in _vips(look)}
    new_vips = known and not known.issuperset(str(vip.ip) for vip in cluster.vip)
    numbers = {i.virtual_router_id for look in observed.values() if (i := running_settings(look))}
    new_number = numbers and cluster.vrrp.virtual_router_id not in numbers
    changes = set(_of_steps(plan, quick))
    if _reached_otherwise(cluster, plan, quick):
        changes.add("traffic")
    if new_vips:
        changes.add("vip")
    if new_number:
        changes.add("virtual-router-id")
    called = {check.id for check in CHECKS if not check.again_after.isdisjoint(changes)}
    return frozenset(called - set(skip))


def _of_steps(plan: Plan, quick: Collection[str]) -> Iterator[Change]:
    for step in (step for turn in plan.nodes if turn.node in quick for step in turn.steps):
        if step.action == "load-image":
            yield "image"
        elif step.action in _MADE_ANEW:
            yield "container"
            if step.role == "haproxy":
                yield "haproxy-container"


def _reached_otherwise(cluster: Cluster, plan: Plan, quick: Mapping[str, ObservedNode]) -> bool:
    """Whether clients or peers need to get through where they did not so far."""
    ports = {listener.port for listener in cluster.listeners}
    members = {str(node.address) for node in cluster.nodes}
    records = [look.applied for look in quick.values() if look.applied]
    return bool(plan.together) or any(
        not ports <= set(record.ports) or not members <= set(record.members) for record in records
    )


def _vips(look: ObservedNode) -> tuple[str, ...]:
    return look.applied.vips if look.applied else ()
