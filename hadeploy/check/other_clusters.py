"""Checks of foreign containers and other hadeploy clusters on a node. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from hadeploy.adopt.conflicts import (
    Conflict,
    running_conflicts,
    shared_settings,
    stopped_conflicts,
    unrelated_containers,
)
from hadeploy.adopt.managers import compose_project
from hadeploy.adopt.recognise import ByHand, recognise
from hadeploy.check.entry import Check
from hadeploy.check.finding import CheckContext, Finding
from hadeploy.inventory.cluster import Node
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.observe.subnets import interface_of
from hadeploy.verify.proof import Verdict

CONFLICTING_CONTAINERS = Check(
    "conflicting-containers",
    "no conflicting container",
    "no foreign container claims the VIP, the `vrrp.virtual_router_id` on the same interface or a "
    "port of this cluster: neither a running container nor one that starts when the engine or "
    "the node restarts. A container starts with the restart policy `always`, with "
    "`unless-stopped` if it was not stopped by hand, with `on-failure` if its exit status is not "
    "0 (also after `docker stop`), and in a restart loop. The claims are read from its "
    "haproxy.cfg or keepalived.conf and its published ports. A container with haproxy or "
    "keepalived that claims nothing is a warning, running or not. On nodes with an applied "
    "record, `plan` and `up` read only stopped containers with haproxy or keepalived in their "
    "image, command or name. A container that another manager starts again (kubelet, Docker "
    "swarm, Nomad, ECS) cannot be taken over; it is a warning if it does not run and the engine "
    "does not start it. A stopped container that may add addresses and mounts a file with the "
    "VIP claims it. A manifest of a static pod, an enabled systemd unit that runs containers "
    "(also by a compose file), a quadlet, a crontab or an rc.local that contains haproxy or "
    "keepalived is a warning; a static pod that may add addresses and contains the VIP, and a VIP "
    "in the network configuration, are failures (*thorough*)",
    "`hadeploy up --adopt` stops it and sets its restart policy to `no`; if a kubelet or swarm "
    "starts it: move its manifest out of /etc/kubernetes/manifests, or remove the service",
)


@CONFLICTING_CONTAINERS.of_node
def conflicting_containers(
    context: CheckContext, node: Node, state: ObservedNode
) -> Iterator[Finding]:
    """Whether no foreign container claims a VIP, id or port, now or after the next boot."""
    if state.docker is None:
        return
    by_hand = recognise(context.cluster, state)
    interface = interface_of(node, state) or ""
    found = [
        *(_stopped(context, node, c) for c in stopped_conflicts(context.cluster, interface, state)),
        *(
            _running(context, node, c)
            for c in running_conflicts(context.cluster, interface, state, by_hand)
        ),
        *_managed(node, by_hand),
        *(
            _stopped(context, node, conflict)
            for conflict in unrelated_containers(context.cluster, interface, state)
            if not (by_hand and by_hand.has(conflict.container.id))
        ),
        *_started(node, state),
    ]
    if context.adopt:
        found += list(_composed(context, node, state, by_hand))
    findings = [finding for finding in found if finding]
    yield from findings
    if not findings:
        yield Finding(CONFLICTING_CONTAINERS.id, node.label, "pass", "none, running or stopped")


def _stopped(context: CheckContext, node: Node, conflict: Conflict) -> Finding | None:
    there, name = conflict.container, conflict.container.name
    program = f" runs {conflict.role} and" if conflict.role else ""
    if conflict.claims:
        what = f" claims {' and '.join(conflict.claims)}"
    elif not conflict.known:
        what = f"{program} has a configuration that cannot be read"
    else:
        what = f"{program} claims nothing of this cluster"
    message = f"the container {name} ({there.image}){what}; {conflict.why}"
    by_hand = f"docker update --restart no {name}"
    by_hand += f" && docker stop {name}" if there.status in ("restarting", "running") else ""
    if conflict.manager:
        verdict: Verdict = "fail"
        if conflict.may_stay or not conflict.blocks:
            verdict = "warn"
        fix = f"if it is not needed: {conflict.manager.stop}"
        return Finding(
            CONFLICTING_CONTAINERS.id,
            node.label,
            verdict,
            message,
            conflict.manager.stop if verdict == "fail" else fix,
        )
    if not conflict.blocks:
        fix = f"if it is not needed: {by_hand}"
        return Finding(CONFLICTING_CONTAINERS.id, node.label, "warn", message, fix)
    if context.adopt:
        return None
    fix = f"`hadeploy up --adopt` keeps it stopped; or on the node: {by_hand}"
    return Finding(CONFLICTING_CONTAINERS.id, node.label, "fail", message, fix)


def _running(context: CheckContext, node: Node, conflict: Conflict) -> Finding | None:
    there = conflict.container
    claims = " and ".join(conflict.claims)
    message = f"the container {there.name} ({there.image}) runs and claims {claims}"
    if context.adopt and conflict.can_disable and not conflict.manager:
        return None
    if conflict.manager:
        fix = conflict.manager.stop
    elif conflict.can_disable:
        fix = "`hadeploy up --adopt` stops and disables it"
    else:
        fix = (
            f"stop it, or change it: docker update --restart no {there.name} && "
            f"docker stop {there.name}"
        )
    return Finding(CONFLICTING_CONTAINERS.id, node.label, "fail", message, fix)


def _managed(node: Node, by_hand: ByHand | None) -> Iterator[Finding]:
    """Containers that a manager starts again, so that they cannot be taken over."""
    for conflict in _parts(by_hand):
        if conflict.manager:
            there = conflict.container
            message = (
                f"the {conflict.role} in the container {there.name} ({there.image}) cannot be "
                f"taken over: {conflict.manager.name} starts it again after a stop"
            )
            yield Finding(
                CONFLICTING_CONTAINERS.id, node.label, "fail", message, conflict.manager.stop
            )


def _started(node: Node, state: ObservedNode) -> Iterator[Finding]:
    for file in state.autostart_files:
        verdict: Verdict = "warn" if file.names == "program" else "fail"
        if file.names == "address":
            message = f"{file.path} adds a VIP to the node at boot"
            fix = f"remove the VIP from {file.path}: keepalived adds and removes it"
        elif file.names == "vip":
            message = f"the kubelet starts a pod that may take a VIP, from {file.path}"
            fix = f"move {file.path} to another directory, or choose another `vip`"
        elif file.is_manifest:
            message = f"the kubelet starts haproxy or keepalived, from {file.path}"
            fix = f"if it is not needed: move {file.path} to another directory"
        elif file.is_unit:
            message = f"the unit {file.name} starts haproxy or keepalived in a container at boot"
            fix = f"if it is not needed: systemctl disable --now {file.name}"
        else:
            message = f"{file.path} starts haproxy or keepalived at boot"
            fix = f"if it is not needed: remove it from {file.path}"
        yield Finding(CONFLICTING_CONTAINERS.id, node.label, verdict, message, fix)


def _composed(
    context: CheckContext, node: Node, state: ObservedNode, by_hand: ByHand | None
) -> Iterator[Finding]:
    stopped = stopped_conflicts(context.cluster, interface_of(node, state) or "", state)
    for conflict in (*_parts(by_hand), *stopped):
        project = compose_project(conflict.container)
        if project and (conflict.blocks or conflict.why == ""):
            message = (
                f"the container {conflict.container.name} belongs to the docker compose project "
                f"{project}; `docker compose up` there would start it again"
            )
            fix = "remove the service from that project"
            yield Finding(CONFLICTING_CONTAINERS.id, node.label, "warn", message, fix)


def _parts(by_hand: ByHand | None) -> list[Conflict]:
    parts = by_hand.parts if by_hand else ()
    return [Conflict(part.container, part.role, (), known=True, why="") for part in parts]


OTHER_CLUSTERS = Check(
    "other-clusters",
    "other hadeploy clusters",
    "every other hadeploy cluster on the node, running or not, has another VIP, another "
    "`vrrp.virtual_router_id` on the same interface, other ports and other container names. It "
    "is recognised by its record (applied.json) and by the labels of its containers; a record "
    "without containers is a warning",
    "change `vip`, `vrrp.virtual_router_id`, `listeners[].port` or `haproxy.health_port` in "
    "one of the inventories, or run `hadeploy down` with the other one",
)


@OTHER_CLUSTERS.of_node
def other_clusters(context: CheckContext, node: Node, state: ObservedNode) -> Iterator[Finding]:
    """Whether other hadeploy clusters on a node conflict with this one."""
    others = [other for other in state.other_clusters if other.name != context.cluster.name]
    for other in others:
        name = f"the hadeploy cluster {other.name}"
        if not other.root:
            names = ", ".join(c.name for c in other.containers)
            message = f"{name} has containers on this node ({names}), but no readable record"
            fix = f"if it is no longer used: docker stop {names} && docker rm {names}"
            yield Finding(OTHER_CLUSTERS.id, node.label, "warn", message, fix.replace(",", ""))
            continue
        shared = shared_settings(context.cluster, interface_of(node, state) or "", other)
        if not shared:
            message = f"{name} is also on this node, without conflicts"
            yield Finding(OTHER_CLUSTERS.id, node.label, "pass", message)
            continue
        message = f"{name} is also on this node, with the same {' and '.join(shared.values())}"
        keys = " and ".join(f"`{key}`" for key in shared)
        fix = f"change {keys} in one of the inventories, or run `hadeploy down` with the other one"
        if not other.starts:
            message += f"; it has a record ({other.root}/applied.json), but no containers"
            fix += f"; if that inventory no longer exists: rm -r {other.root}"
        yield Finding(
            OTHER_CLUSTERS.id, node.label, "fail" if other.starts else "warn", message, fix
        )
    if not others:
        yield Finding(OTHER_CLUSTERS.id, node.label, "pass", "none on this node")
