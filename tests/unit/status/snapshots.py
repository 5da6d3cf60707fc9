"""A changed healthy cluster, and its status."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hadeploy.desired.roles import Role
from hadeploy.errors import HadeployError
from hadeploy.inventory.cluster import Cluster
from hadeploy.plan.rolling import make_plan
from hadeploy.status.snapshot import ClusterSnapshot
from tests.unit import builders
from tests.unit.nodes import Node

Look = dict[str, Node]
Bend = Callable[[Look], None]


def situation(
    *bends: Bend, cluster: Cluster | None = None, away: tuple[str, ...] = (), **inventory: Any
) -> ClusterSnapshot:
    """One observation of a changed cluster.

    Args:
        bends: what is done to the nodes.
        cluster: what was applied to them.
        away: labels of nodes that cannot be reached.
        inventory: what the inventory says by now.
    """
    applied = cluster or builders.cluster()
    now = builders.cluster(**inventory) if inventory else applied
    observed = builders.healthy(applied)
    for bend in bends:
        bend(observed)
    observed = {node: look for node, look in observed.items() if node not in away}
    desired = {node: d for node, d in builders.desired(now).items() if node in observed}
    unreachable = {
        node: HadeployError("Connection refused", node=node, operation="connecting to it")
        for node in away
    }
    return ClusterSnapshot(now, desired, observed, make_plan(now, desired, observed), unreachable)


def change(*labels: str, **changes: Any) -> Bend:
    """Some nodes look otherwise."""

    def bend(observed: Look) -> None:
        for label in labels:
            observed[label] = observed[label].with_(**changes)

    return bend


def container(label: str, role: Role, **changes: Any) -> Bend:
    """One container looks otherwise."""

    def bend(observed: Look) -> None:
        observed[label] = observed[label].with_container(role, **changes)

    return bend


def file(label: str, path: str, content: str) -> Bend:
    """One file has another content."""

    def bend(observed: Look) -> None:
        observed[label] = observed[label].with_file(path, content)

    return bend


def vrrp(label: str, state: str) -> Bend:
    """keepalived is in another state."""

    def bend(observed: Look) -> None:
        observed[label] = observed[label].in_state(state)

    return bend


def vip(label: str, *, here: bool) -> Bend:
    """The VIP is on a node, or not."""

    def bend(observed: Look) -> None:
        state = observed[label].vrrp
        look = observed[label].with_vip() if here else observed[label].without_vip()
        observed[label] = look.with_(vrrp=state)

    return bend


def drained(label: str) -> list[Bend]:
    """An operator has drained a backup."""
    return [file(label, "track/drain", "1\n"), vrrp(label, "FAULT")]
