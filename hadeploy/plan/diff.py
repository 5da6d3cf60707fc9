"""Desired against observed: the steps that make one into the other. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from hadeploy.desired import layout
from hadeploy.desired.model import Container, DesiredNode, File, Role
from hadeploy.inventory.model import Cluster
from hadeploy.observe.model import Applied, ObservedContainer, ObservedNode
from hadeploy.plan.fields import SURE, changed_fields
from hadeploy.plan.model import Impact, NodePlan, Plan, Step
from hadeploy.plan.order import holders, rolling_order
from hadeploy.plan.successor import drains
from hadeploy.plan.texts import file_diff
from hadeploy.runtime.docker import specification


def make_plan(
    cluster: Cluster, desired: Mapping[str, DesiredNode], observed: Mapping[str, ObservedNode]
) -> Plan:
    """The plan of a whole cluster.

    Args:
        cluster: the inventory.
        desired: by node label.
        observed: the same nodes.
    """
    holding = holders([str(vip.ip) for vip in cluster.vip], observed.values())
    order = rolling_order({node: d.priority for node, d in desired.items()}, holding)
    return Plan(
        tuple(
            NodePlan(
                node,
                tuple(_steps(cluster, desired[node], observed[node], node in holding)),
                holder=node in holding,
                drained=bool(drains(observed[node])),
            )
            for node in order
        )
    )


def _steps(
    cluster: Cluster, desired: DesiredNode, observed: ObservedNode, holder: bool
) -> Iterator[Step]:
    steps = [
        *_image_steps(cluster, desired, observed),
        *_stray_containers(cluster, desired, observed),
        *_track_steps(observed),
    ]
    # haproxy wholly before keepalived, whose check asks it: at a port that must be there already.
    for container in desired.containers:
        files = list(_file_steps(desired, container.role, observed))
        steps += files
        # keepalived runs the check script anew each time, so a changed one is in force at once.
        reread = any(step.subject != layout.CHECK_SCRIPT for step in files)
        steps += _container_step(container, desired, observed, reread)
    steps = _handed_over(cluster, steps, observed, holder)
    if steps:
        steps.append(Step("write-record", layout.APPLIED, "something changed"))
    elif observed.applied is None:
        steps.append(Step("write-record", layout.APPLIED, "there is none"))
    elif not _record_is_true(desired, observed.applied):
        steps.append(Step("write-record", layout.APPLIED, "it tells of another state"))
    return iter(steps)


def _handed_over(
    cluster: Cluster, steps: list[Step], observed: ObservedNode, holder: bool
) -> list[Step]:
    """The holder's steps with the VIP out of their way.

    A reload keeps every connection, a hand-over cuts the long ones: only what would interrupt the
    holder is worth one. A node alone has nobody to hand over to.
    """
    first = next((i for i, step in enumerate(steps) if step.impact is Impact.RESTART), None)
    left = [Step("end-hand-over", "the VIP", "a run that died left it")]
    if not holder or first is None or observed.vrrp is None:
        return [*steps, *left] if layout.RUN_DRAIN in drains(observed) else steps
    if len(cluster.nodes) == 1:
        return [
            dataclasses.replace(step, impact=Impact.OUTAGE)
            if step.impact is Impact.RESTART
            else step
            for step in steps
        ]
    before = f"before the {steps[first].action.replace('-', ' ')} of {steps[first].subject}"
    back = "it may come back" if cluster.vrrp.preempt else "it stays where it is"
    return [
        *steps[:first],
        Step("hand-over", "the VIP", before, Impact.HANDOVER),
        *steps[first:],
        Step("end-hand-over", "the VIP", back),
    ]


def _record_is_true(desired: DesiredNode, record: Applied) -> bool:
    return (
        record.vips == desired.addresses
        and record.interface == desired.facts.interface
        and record.members == desired.members
        and record.files == {file.path: file.sha256 for file in desired.files}
    )


def _image_steps(cluster: Cluster, desired: DesiredNode, observed: ObservedNode) -> Iterator[Step]:
    for container in desired.containers:
        if container.image not in observed.images:
            how = getattr(cluster.images, container.role)
            source = "loaded from the archive" if how.archive else "pulled"
            yield Step(
                "load-image",
                container.image,
                f"not on the node; {source}",
                role=container.role,
            )


def _file_steps(desired: DesiredNode, role: Role, observed: ObservedNode) -> Iterator[Step]:
    for file in desired.files:
        reason = _file_reason(file, observed) if file.role == role else None
        if reason:
            yield Step(
                "write-file",
                file.path,
                reason,
                role=file.role,
                diff=file_diff(file, observed.file(file.path)),
            )


def _track_steps(observed: ObservedNode) -> Iterator[Step]:
    for name in layout.DRAINS:
        if observed.file(f"{layout.TRACK}/{name}") is None:
            yield Step("write-file", f"{layout.TRACK}/{name}", "missing")


def _file_reason(file: File, observed: ObservedNode) -> str | None:
    there = observed.file(file.path)
    if there is None:
        return "missing"
    if there.sha256 != file.sha256:
        edited = observed.applied and observed.applied.files.get(file.path) != there.sha256
        return "edited on the node" if edited else "content changes"
    if there.mode != file.mode or there.owner != "0:0":
        return f"is {there.mode:04o} {there.owner}, should be {file.mode:04o} 0:0"
    return None


def _stray_containers(
    cluster: Cluster, desired: DesiredNode, observed: ObservedNode
) -> Iterator[Step]:
    names = {container.name for container in desired.containers}
    for container in observed.ours(cluster.name):
        if container.name not in names:
            yield Step(
                "remove-container",
                container.name,
                "carries this cluster's mark under an old name",
                Impact.RESTART,
            )


def _container_step(
    container: Container,
    desired: DesiredNode,
    observed: ObservedNode,
    reread: bool,
) -> Iterator[Step]:
    there = observed.container(container.name)
    role = container.role
    if there is None:
        yield Step("create-container", container.name, "missing", role=role)
        return
    stale = _stale(container, there, observed)
    if stale:
        fields = tuple(
            f"{name}: {was} -> {wanted}"
            for name, (was, wanted) in changed_fields(container, there).items()
        )
        yield Step("recreate-container", container.name, stale, Impact.RESTART, role, fields)
    elif there.status in ("restarting", "dead"):
        yield Step("recreate-container", container.name, f"is {there.status}", Impact.RESTART, role)
    elif not there.running:
        yield Step("start-container", container.name, f"is {there.status}", role=role)
    elif reread:
        yield Step("reload-container", container.name, "its files change", Impact.RELOAD, role)
    elif not _loaded(role, desired, observed):
        yield Step(
            "reload-container",
            container.name,
            "it does not run on the files that are there",
            Impact.RELOAD,
            role,
        )


def _stale(container: Container, there: ObservedContainer, observed: ObservedNode) -> str | None:
    fields = changed_fields(container, there)
    if there.spec != specification(container):
        return f"its specification changes ({', '.join(fields) or 'how it is written'})"
    by_hand = [name for name in fields if name in SURE]
    if by_hand:
        return f"changed on the node ({', '.join(by_hand)})"
    if container.role in observed.detached:
        return "its folder was replaced on the node"
    image = observed.images.get(container.image)
    if image is not None and there.image_id != image:
        return f"{container.image} is another image now"
    return None


def _loaded(role: Role, desired: DesiredNode, observed: ObservedNode) -> bool:
    """Whether a running program has read the file that is there, as far as it says."""
    if role == "haproxy":
        return observed.serving == desired.config_id(role)
    return observed.vrrp is None or observed.vrrp.config_id == desired.config_id(role)
