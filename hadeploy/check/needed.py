"""Which checks a change calls for that the first look of a run leaves out. Pure.

The first look is quick on nodes where something was applied: what takes time is asked only where it
can have another answer than the last time. That depends on what changes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from hadeploy.inventory.model import Cluster
from hadeploy.observe.model import ObservedNode
from hadeploy.plan.model import Plan
from hadeploy.plan.vrrp_settings import running_identity

_MADE_ANEW = ("create-container", "recreate-container")


def needed(
    cluster: Cluster, plan: Plan, observed: Mapping[str, ObservedNode], skip: Collection[str] = ()
) -> frozenset[str]:
    """The checks that a plan calls for and that were not made.

    Args:
        cluster: the inventory.
        plan: the steps.
        observed: by node label.
        skip: ids of checks that the user leaves out.

    Returns:
        Their ids (check/catalogue.py).
    """
    changed = {turn.node: observed[turn.node] for turn in plan.nodes if turn.steps}
    # Where nothing was applied yet all of it was asked.
    quick = {node: look for node, look in changed.items() if not look.host.thorough}
    if not quick:
        return frozenset()
    known = {vip.partition("/")[0] for look in observed.values() for vip in _vips(look)}
    new_vips = known and not known.issuperset(str(vip.ip) for vip in cluster.vip)
    numbers = {i.virtual_router_id for look in observed.values() if (i := running_identity(look))}
    new_number = numbers and cluster.vrrp.virtual_router_id not in numbers
    checks = {
        *_of_steps(plan, quick),
        *(["firewall"] if _reached_otherwise(cluster, plan, quick) else []),
        *(["vip-free"] if new_vips else []),
        *(["virtual-router-id"] if new_number else []),
    }
    return frozenset(checks - set(skip))


def _of_steps(plan: Plan, quick: Collection[str]) -> Iterator[str]:
    for step in (step for turn in plan.nodes if turn.node in quick for step in turn.steps):
        if step.action == "load-image":
            yield "disk-space"
        elif step.action in _MADE_ANEW:
            yield from ("host-network", "selinux")
            if step.role == "haproxy":
                yield "nofile"


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
