"""A healthy cluster, bent, and what a status makes of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from hadeploy.errors import HadeployError
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.observed_node import Address, ObservedFile, ObservedNode
from hadeploy.plan.rolling import make_plan
from hadeploy.status.snapshot import ClusterSnapshot
from tests.unit import builders

Look = dict[str, ObservedNode]
Bend = Callable[[Look], None]


def situation(
    *bends: Bend, cluster: Cluster | None = None, away: tuple[str, ...] = (), **inventory: Any
) -> ClusterSnapshot:
    """One look at a bent cluster.

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
            observed[label] = dataclasses.replace(observed[label], **changes)

    return bend


def container(label: str, role: str, **changes: Any) -> Bend:
    """One container looks otherwise."""

    def bend(observed: Look) -> None:
        look = observed[label]
        containers = tuple(
            dataclasses.replace(c, **changes) if c.role == role else c for c in look.containers
        )
        observed[label] = dataclasses.replace(look, containers=containers)

    return bend


def file(label: str, path: str, content: bytes) -> Bend:
    """One file has another content."""

    def bend(observed: Look) -> None:
        look = observed[label]
        files = [f for f in look.files if f.path != path]
        mode = 0o644
        files.append(ObservedFile(path, mode, "0:0", content))
        observed[label] = dataclasses.replace(look, files=tuple(files))

    return bend


def vrrp(label: str, state: str) -> Bend:
    """keepalived is in another state."""

    def bend(observed: Look) -> None:
        look = observed[label]
        assert look.vrrp
        observed[label] = dataclasses.replace(
            look, vrrp=dataclasses.replace(look.vrrp, state=state)
        )

    return bend


def vip(label: str, *, here: bool) -> Bend:
    """The VIP is on a node, or not."""

    def bend(observed: Look) -> None:
        look = observed[label]
        addresses = tuple(a for a in look.addresses if a.address != builders.VIP)
        if here:
            addresses += (Address("eth0", builders.VIP, 32),)
        observed[label] = dataclasses.replace(look, addresses=addresses)

    return bend


def drained(label: str) -> list[Bend]:
    """An operator has drained a backup."""
    return [file(label, "track/drain", b"1\n"), vrrp(label, "FAULT")]
