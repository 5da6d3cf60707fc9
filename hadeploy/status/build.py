"""The status of a cluster, from a snapshot of its nodes. Pure."""

from __future__ import annotations

from typing import get_args

from hadeploy.desired.roles import ROLES, Role
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
from hadeploy.status.snapshot import ClusterSnapshot
from hadeploy.verify.proof import Proof


def cluster_status(snapshot: ClusterSnapshot, at: str) -> tuple[ClusterStatus, list[Proof]]:
    """The status, and the proofs behind its verdict.

    Args:
        snapshot: of all nodes.
        at: the time of the snapshot, ISO 8601.
    """
    verdict, proofs = judge(snapshot)
    cluster, observed = snapshot.cluster, snapshot.observed
    locks = [state.lock for state in observed.values() if state.lock]
    vips = [str(vip.ip) for vip in cluster.vip]
    applied = {vip for record in snapshot.records for vip in record.vips}
    status = ClusterStatus(
        verdict=verdict,
        at=at,
        vips=tuple(
            VipStatus(vip, tuple(holders([vip], observed.values())), vip in applied) for vip in vips
        ),
        nodes=tuple(_node(snapshot, node) for node in cluster.nodes),
        changing=Changing(locks[0].get("owner", "?"), locks[0].get("purpose", "?"))
        if locks
        else None,
    )
    return status, proofs


def _node(snapshot: ClusterSnapshot, node: Node) -> NodeStatus:
    state = snapshot.observed.get(node.label)
    if state is None:
        error = snapshot.unreachable[node.label]
        return NodeStatus(
            node.label, str(node.address), error=f"{error.operation}: {error.message}"
        )
    cluster = snapshot.cluster
    vrrp, record = state.vrrp, state.applied
    return NodeStatus(
        node=node.label,
        address=str(node.address),
        vips=tuple(str(vip.ip) for vip in cluster.vip if state.holds(str(vip.ip))),
        vrrp=VrrpStatus(vrrp.state, vrrp.priority, vrrp.effective_priority) if vrrp else None,
        drained=tuple(drains(state)),
        configuration=_configuration(snapshot, state),
        changes=len(snapshot.steps(node.label)),
        containers=tuple(_container(cluster, state, role) for role in get_args(Role)),
        listeners=tuple(
            ListenerStatus(
                listener.name,
                listener.port,
                state.sessions.get(listener.name),
                state.session_limits.get(listener.name),
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
            for server in state.backends
        ),
        applied=AppliedStatus(record.by, record.at, record.version, record.configuration)
        if record
        else None,
        docker=state.docker,
    )


def _configuration(snapshot: ClusterSnapshot, state: ObservedNode) -> Configuration:
    steps = snapshot.steps(state.node)
    if state.applied is None and not state.ours(snapshot.cluster.name):
        return "absent"
    if any(step.drift for step in steps):
        return "drifted"
    return "pending" if steps else "in-sync"


def _container(cluster: Cluster, state: ObservedNode, role: Role) -> ContainerStatus:
    name = dict(zip(ROLES, cluster.container_names, strict=True))[role]
    container = state.container(name) or state.ours_of(cluster.name, role)
    if container is None:
        return ContainerStatus(role, name, "unknown" if state.docker is None else "missing")
    return ContainerStatus(
        role=role,
        name=container.name,
        state=container.status,
        up_seconds=max(0, int(state.now - container.started)) if container.running else None,
        restarts=container.restarts,
        image=container.image,
        version=state.versions.get(role),
    )
