"""From one look at all nodes to the status of the cluster. Pure."""

from __future__ import annotations

from typing import get_args

from hadeploy.desired.desired_node import Role
from hadeploy.inventory.cluster import Cluster, Node
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.order import holders
from hadeploy.plan.takeover_candidates import drains
from hadeploy.status.cluster_status import (
    AppliedStatus,
    BackendStatus,
    Changing,
    ClusterStatus,
    Configuration,
    ContainerStatus,
    ListenerStatus,
    NodeStatus,
    VipStatus,
    VrrpStatus,
)
from hadeploy.status.judge import judge
from hadeploy.status.situation import ClusterSnapshot
from hadeploy.verify.proof import Proof


def cluster_status(situation: ClusterSnapshot, at: str) -> tuple[ClusterStatus, list[Proof]]:
    """The status, and the proofs behind its verdict.

    Args:
        situation: one look at all nodes.
        at: when that was, ISO 8601.
    """
    verdict, proofs = judge(situation)
    cluster, observed = situation.cluster, situation.observed
    locks = [look.lock for look in observed.values() if look.lock]
    vips = [str(vip.ip) for vip in cluster.vip]
    applied = {vip for record in situation.records for vip in record.vips}
    status = ClusterStatus(
        verdict=verdict,
        at=at,
        vips=tuple(
            VipStatus(vip, tuple(holders([vip], observed.values())), vip in applied) for vip in vips
        ),
        nodes=tuple(_node(situation, node) for node in cluster.nodes),
        changing=Changing(locks[0].get("owner", "?"), locks[0].get("purpose", "?"))
        if locks
        else None,
    )
    return status, proofs


def _node(situation: ClusterSnapshot, node: Node) -> NodeStatus:
    look = situation.observed.get(node.label)
    if look is None:
        error = situation.unreachable[node.label]
        return NodeStatus(
            node.label, str(node.address), error=f"{error.operation}: {error.message}"
        )
    cluster = situation.cluster
    vrrp, record = look.vrrp, look.applied
    return NodeStatus(
        node=node.label,
        address=str(node.address),
        vips=tuple(str(vip.ip) for vip in cluster.vip if look.holds(str(vip.ip))),
        vrrp=VrrpStatus(vrrp.state, vrrp.priority, vrrp.effective_priority) if vrrp else None,
        drained=tuple(drains(look)),
        configuration=_configuration(situation, look),
        changes=len(situation.steps(node.label)),
        containers=tuple(_container(cluster, look, role) for role in get_args(Role)),
        listeners=tuple(
            ListenerStatus(
                listener.name,
                listener.port,
                look.sessions.get(listener.name),
                look.session_limits.get(listener.name),
            )
            for listener in cluster.listeners
        ),
        backends=tuple(
            BackendStatus(
                listener=server.listener.removesuffix("-backend"),
                name=server.name,
                address=server.address,
                status=server.status,
                check=server.outcome,
                sessions=server.sessions,
            )
            for server in look.backends
        ),
        applied=AppliedStatus(record.by, record.at, record.version, record.configuration)
        if record
        else None,
        docker=look.docker,
    )


def _configuration(situation: ClusterSnapshot, look: ObservedNode) -> Configuration:
    steps = situation.steps(look.node)
    if look.applied is None and not look.ours(situation.cluster.name):
        return "absent"
    if any(step.drift for step in steps):
        return "drifted"
    return "pending" if steps else "in-sync"


def _container(cluster: Cluster, look: ObservedNode, role: Role) -> ContainerStatus:
    name = dict(zip(("haproxy", "keepalived"), cluster.container_names, strict=True))[role]
    there = look.container(name) or look.ours_of(cluster.name, role)
    if there is None:
        return ContainerStatus(role, name, "unknown" if look.docker is None else "missing")
    return ContainerStatus(
        role=role,
        name=there.name,
        state=there.status,
        up_seconds=max(0, int(look.now - there.started)) if there.running else None,
        restarts=there.restarts,
        image=there.image,
        version=look.versions.get(role),
    )
