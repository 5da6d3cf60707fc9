"""Checks of foreign containers and other hadeploy clusters on a node. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from hadeploy.adopt.conflicts import (
    Conflict,
    clashes,
    harmless,
    running_conflicts,
    stopped_conflicts,
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
    "no foreign container claims the VIP, `vrrp.virtual_router_id` on the same interface or a "
    "port of this cluster: neither a running one nor one that the engine starts when the "
    "engine or the node restarts. That is one with the restart policy `always`, "
    "one with `unless-stopped` that was not stopped by hand, one with `on-failure` that ended "
    "with another status than 0 (also by `docker stop`), and one in a restart loop. What it "
    "claims is read from its haproxy.cfg or keepalived.conf and its published ports; one that "
    "has haproxy or keepalived and claims nothing is a warning, running or not. Of stopped "
    "containers, `plan` "
    "and `up` look only at those with haproxy or keepalived in their image, command or name "
    "where something was applied already. Containers that something else than the engine "
    "starts again (kubelet, Docker swarm, Nomad, ECS) are not taken over either; one of them "
    "that does not run and that the engine does not start is a warning. A stopped "
    "container that may add addresses and mounts a file with the VIP claims it. A static "
    "pod's manifest, an enabled unit of systemd that runs containers (also by a compose file), "
    "a quadlet, a crontab or rc.local that names haproxy or keepalived is a warning; a static "
    "pod that may add addresses and names the VIP, and a VIP in the network's configuration, "
    "are failures (*thorough*)",
    "`hadeploy up --adopt` stops it and sets its restart policy to `no`; where a kubelet or "
    "swarm starts it: move its manifest out of /etc/kubernetes/manifests, or remove the "
    "service",
)


@CONFLICTING_CONTAINERS.of_node
def conflicting_containers(
    context: CheckContext, node: Node, look: ObservedNode
) -> Iterator[Finding]:
    """Whether no foreign container claims a VIP, router id or port, now or at the next boot."""
    if look.docker is None:
        return
    by_hand = recognise(context.cluster, look)
    interface = interface_of(node, look) or ""
    found = [
        *(_stopped(context, node, c) for c in stopped_conflicts(context.cluster, interface, look)),
        *(
            _running(context, node, c)
            for c in running_conflicts(context.cluster, interface, look, by_hand)
        ),
        *_managed(node, by_hand),
        *(
            _stopped(context, node, conflict)
            for conflict in harmless(context.cluster, interface, look)
            if not (by_hand and by_hand.has(conflict.container.id))
        ),
        *_started(node, look),
    ]
    if context.adopt:
        found += list(_composed(context, node, look, by_hand))
    told = [finding for finding in found if finding]
    yield from told
    if not told:
        yield Finding(
            CONFLICTING_CONTAINERS.id, node.label, "pass", "none, running or about to start"
        )


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
        fix = f"unless it is wanted: {conflict.manager.stop}"
        return Finding(
            CONFLICTING_CONTAINERS.id,
            node.label,
            verdict,
            message,
            conflict.manager.stop if verdict == "fail" else fix,
        )
    if not conflict.blocks:
        fix = f"unless it is wanted: {by_hand}"
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
        fix = "`hadeploy up --adopt` stops it for good"
    else:
        fix = (
            f"stop it, or change it: docker update --restart no {there.name} && "
            f"docker stop {there.name}"
        )
    return Finding(CONFLICTING_CONTAINERS.id, node.label, "fail", message, fix)


def _managed(node: Node, by_hand: ByHand | None) -> Iterator[Finding]:
    """Containers that are started again after a stop, so they cannot be taken over."""
    for conflict in _parts(by_hand):
        if conflict.manager:
            there = conflict.container
            message = (
                f"the {conflict.role} in the container {there.name} ({there.image}) is started by "
                f"{conflict.manager.name}, which starts it again when it is stopped, so it cannot "
                "be taken over"
            )
            yield Finding(
                CONFLICTING_CONTAINERS.id, node.label, "fail", message, conflict.manager.stop
            )


def _started(node: Node, look: ObservedNode) -> Iterator[Finding]:
    for file in look.autostart_files:
        verdict: Verdict = "warn" if file.names == "program" else "fail"
        if file.names == "address":
            message = f"{file.path} gives the node a VIP as an address of its own at boot"
            fix = f"remove the VIP from {file.path}: keepalived adds and removes it"
        elif file.names == "vip":
            message = f"the kubelet starts a pod that may take a VIP, by {file.path}"
            fix = f"move {file.path} out of its folder, or choose another `vip`"
        elif file.is_manifest:
            message = f"the kubelet starts haproxy or keepalived, by {file.path}"
            fix = f"unless it is wanted: move {file.path} out of its folder"
        elif file.is_unit:
            message = f"the unit {file.name} starts haproxy or keepalived in a container at boot"
            fix = f"unless it is wanted: systemctl disable --now {file.name}"
        else:
            message = f"{file.path} starts haproxy or keepalived at boot"
            fix = f"unless it is wanted: remove it from {file.path}"
        yield Finding(CONFLICTING_CONTAINERS.id, node.label, verdict, message, fix)


def _composed(
    context: CheckContext, node: Node, look: ObservedNode, by_hand: ByHand | None
) -> Iterator[Finding]:
    stopped = stopped_conflicts(context.cluster, interface_of(node, look) or "", look)
    for conflict in (*_parts(by_hand), *stopped):
        project = compose_project(conflict.container)
        if project and (conflict.blocks or conflict.why == ""):
            message = (
                f"the container {conflict.container.name} belongs to the docker compose project "
                f"{project}, and `docker compose up` there would start it again"
            )
            fix = "take the service out of that project"
            yield Finding(CONFLICTING_CONTAINERS.id, node.label, "warn", message, fix)


def _parts(by_hand: ByHand | None) -> list[Conflict]:
    parts = by_hand.parts if by_hand else ()
    return [Conflict(part.container, part.role, (), known=True, why="") for part in parts]


OTHER_CLUSTERS = Check(
    "other-clusters",
    "other hadeploy clusters",
    "every other cluster of hadeploy on the node, running or not, has another VIP, another "
    "`vrrp.virtual_router_id` on the same interface, other ports and other container names. It "
    "is recognised by its record (applied.json) and by the labels of its containers; a record "
    "without containers is a warning",
    "change `vip`, `vrrp.virtual_router_id`, `listeners[].port` or `haproxy.health_port` in "
    "one of the inventories, or `hadeploy down` with the other one",
)


@OTHER_CLUSTERS.of_node
def other_clusters(context: CheckContext, node: Node, look: ObservedNode) -> Iterator[Finding]:
    """Whether the other clusters of hadeploy on a node share nothing with this one."""
    others = [other for other in look.other_clusters if other.name != context.cluster.name]
    for other in others:
        name = f"the hadeploy cluster {other.name}"
        if not other.root:
            names = ", ".join(c.name for c in other.containers)
            message = f"{name} has containers here ({names}) and no record that can be read"
            fix = f"if it is not used any more: docker stop {names} && docker rm {names}"
            yield Finding(OTHER_CLUSTERS.id, node.label, "warn", message, fix.replace(",", ""))
            continue
        shared = clashes(context.cluster, interface_of(node, look) or "", other)
        if not shared:
            message = f"{name} is here, too, with a VIP, virtual_router_id and ports of its own"
            yield Finding(OTHER_CLUSTERS.id, node.label, "pass", message)
            continue
        message = f"{name} is here, too, with the same {' and '.join(shared.values())}"
        keys = " and ".join(f"`{key}`" for key in shared)
        fix = f"change {keys} in one of the inventories, or `hadeploy down` with the other one"
        if not other.starts:
            message += f"; it has a record ({other.root}/applied.json) and no containers"
            fix += f"; if that inventory is gone: rm -r {other.root}"
        yield Finding(
            OTHER_CLUSTERS.id, node.label, "fail" if other.starts else "warn", message, fix
        )
    if not others:
        yield Finding(OTHER_CLUSTERS.id, node.label, "pass", "none is here")
