"""The thorough checks that a plan needs in addition. Pure.

On nodes with an applied record, the first observation of a run is quick and omits thorough facts.
The plan decides which of them may have changed and must be observed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from hadeploy.check.all_checks import CHECKS
from hadeploy.check.entry import Change
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.steps import Plan
from hadeploy.plan.vrrp_settings import running_settings

_CREATING = ("create-container", "recreate-container")


def needed(
    cluster: Cluster, plan: Plan, observed: Mapping[str, ObservedNode], skip: Collection[str] = ()
) -> frozenset[str]:
    """The ids of the checks that a plan needs and that were not evaluated.

    Args:
        plan: the steps.
        observed: by node label.
        skip: ids of checks to leave out.
    """
    planned = {turn.node: observed[turn.node] for turn in plan.nodes if turn.steps}
    # Other nodes were observed thoroughly.
    quick = {node: state for node, state in planned.items() if not state.host.thorough}
    if not quick:
        return frozenset()
    known = {vip.partition("/")[0] for state in observed.values() for vip in _vips(state)}
    new_vips = known and not known.issuperset(str(vip.ip) for vip in cluster.vip)
    numbers = {i.virtual_router_id for state in observed.values() if (i := running_settings(state))}
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
        elif step.action in _CREATING:
            yield "container"
            if step.role == "haproxy":
                yield "haproxy-container"


def _reached_otherwise(cluster: Cluster, plan: Plan, quick: Mapping[str, ObservedNode]) -> bool:
    """Whether the firewall must allow new clients or peers."""
    ports = {listener.port for listener in cluster.listeners}
    members = {str(node.address) for node in cluster.nodes}
    records = [state.applied for state in quick.values() if state.applied]
    return bool(plan.coordinated) or any(
        not ports <= set(record.ports) or not members <= set(record.members) for record in records
    )


def _vips(state: ObservedNode) -> tuple[str, ...]:
    return state.applied.vips if state.applied else ()
