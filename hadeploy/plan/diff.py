"""Desired against observed: the steps that make one into the other. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from hadeploy.desired import layout
from hadeploy.desired.desired_node import Container, DesiredNode, File, Role
from hadeploy.desired.docker_run import specification
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.observed_node import Applied, ObservedContainer, ObservedNode
from hadeploy.plan.fields import SURE, changed_fields
from hadeploy.plan.redacted_diff import file_diff
from hadeploy.plan.steps import Impact, Step


def node_steps(cluster: Cluster, desired: DesiredNode, observed: ObservedNode) -> list[Step]:
    """What makes one node as it should be, without regard to the others.

    Args:
        cluster: the inventory.
        desired: the node's desired state.
        observed: the same node.
    """
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
    return steps


def record_step(
    desired: DesiredNode, observed: ObservedNode, configuration: str | None, *, changed: bool
) -> list[Step]:
    """The writing of the applied record, where it is due.

    Args:
        desired: the node's desired state.
        observed: the same node.
        configuration: the id of the whole cluster's desired state; None where nodes are left out,
            and nobody knows.
        changed: whether there are other steps.
    """
    record = observed.applied
    if changed:
        reason = "record what was applied"
    elif record is None:
        reason = "there is none"
    elif configuration not in (None, record.configuration) or not _record_is_true(desired, record):
        reason = "it tells of another state"
    elif any(c.name.endswith(layout.OLD) for c in observed.ours(desired.containers[0].cluster)):
        reason = "a run that died left a container behind"
    else:
        return []
    return [Step("write-record", layout.APPLIED, reason)]


def _record_is_true(desired: DesiredNode, record: Applied) -> bool:
    return (
        record.vips == desired.addresses
        and record.interface == desired.facts.interface
        and record.members == desired.members
        and record.forgotten == desired.forgotten
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
        found = _file_reason(file, observed) if file.role == role else None
        if found:
            reason, drift = found
            yield Step(
                "write-file",
                file.path,
                reason,
                role=file.role,
                diff=file_diff(file, observed.file(file.path)),
                drift=drift,
            )


def _track_steps(observed: ObservedNode) -> Iterator[Step]:
    for name in layout.DRAINS:
        if observed.file(f"{layout.TRACK}/{name}") is None:
            was_there = observed.applied is not None
            yield Step("write-file", f"{layout.TRACK}/{name}", "missing", drift=was_there)


def _file_reason(file: File, observed: ObservedNode) -> tuple[str, bool] | None:
    """Why it is written, and whether that is drift."""
    there = observed.file(file.path)
    recorded = observed.applied.files.get(file.path) if observed.applied else None
    if there is None:
        return "missing", recorded is not None
    if there.sha256 != file.sha256:
        edited = observed.applied is not None and recorded != there.sha256
        return "edited on the node" if edited else "content changes", edited
    if there.mode != file.mode or there.owner != "0:0":
        return f"is {there.mode:04o} {there.owner}, should be {file.mode:04o} 0:0", True
    return None


def _stray_containers(
    cluster: Cluster, desired: DesiredNode, observed: ObservedNode
) -> Iterator[Step]:
    names = {container.name for container in desired.containers}
    for container in observed.ours(cluster.name):
        # What was kept for going back goes away with the record of what came after it.
        if container.name.removesuffix(layout.OLD) not in names:
            yield Step(
                "remove-container",
                container.name,
                "carries this cluster's mark under an old name",
                Impact.RESTART if container.running else Impact.NONE,
                _replaces(container, desired, observed),
            )


def _replaces(
    container: ObservedContainer, desired: DesiredNode, observed: ObservedNode
) -> Role | None:
    """The role that it has until its successor, under another name, has proven itself."""
    for wanted in desired.containers:
        if wanted.role == container.role and observed.container(wanted.name) is None:
            return wanted.role
    return None


def _container_step(
    container: Container,
    desired: DesiredNode,
    observed: ObservedNode,
    reread: bool,
) -> Iterator[Step]:
    there = observed.container(container.name)
    role = container.role
    if there is None:
        was_there = observed.applied is not None and not any(
            other.role == role for other in observed.ours(container.cluster)
        )
        yield Step("create-container", container.name, "missing", role=role, drift=was_there)
        return
    stale = _stale(container, there, observed)
    if stale:
        reason, drift = stale
        fields = tuple(
            f"{name}: {was} -> {wanted}"
            for name, (was, wanted) in changed_fields(container, there).items()
        )
        yield Step(
            "recreate-container", container.name, reason, Impact.RESTART, role, fields, drift
        )
    elif there.status in ("restarting", "dead") or _restarts_in_a_loop(there, observed):
        state = "is restarting" if there.running else f"is {there.status}"
        yield Step("recreate-container", container.name, state, Impact.RESTART, role, drift=True)
    elif not there.running:
        yield Step("start-container", container.name, f"is {there.status}", role=role, drift=True)
    elif reread:
        yield Step("reload-container", container.name, "its files change", Impact.RELOAD, role)
    elif not _loaded(role, desired, observed):
        yield Step(
            "reload-container",
            container.name,
            "it does not run on the files that are there",
            Impact.RELOAD,
            role,
            drift=True,
        )
    elif role == "keepalived" and (lost := lost_vips(desired.addresses, observed)):
        reason = f"it is MASTER without {' and '.join(lost)}"
        yield Step("reload-container", container.name, reason, Impact.RELOAD, role, drift=True)


def lost_vips(vips: Collection[str], observed: ObservedNode) -> list[str]:
    """The VIPs that a node lacks although its keepalived is MASTER.

    keepalived adds an address when it becomes MASTER or reloads, and does not try again where the
    kernel refuses it, as an IPv6 address while IPv6 is switched off.

    Args:
        vips: that its configuration has.
        observed: the node.
    """
    if observed.vrrp is None or observed.vrrp.state != "MASTER":
        return []
    return [vip for vip in vips if not observed.holds(vip)]


def _stale(
    container: Container, there: ObservedContainer, observed: ObservedNode
) -> tuple[str, bool] | None:
    """Why it is made anew, and whether that is drift."""
    fields = changed_fields(container, there)
    if there.spec != specification(container):
        in_which = ", ".join(fields) or "how it is written"
        made = observed.applied.containers.get(there.name) if observed.applied else None
        if made not in (None, there.spec):
            return f"made otherwise on the node ({in_which})", True
        return f"its specification changes ({in_which})", False
    by_hand = [name for name in fields if name in SURE]
    if by_hand:
        return f"changed on the node ({', '.join(by_hand)})", True
    if container.role in observed.detached:
        return "one of its folders was replaced on the node", True
    image = observed.images.get(container.image)
    if image is not None and there.image_id != image:
        return f"{container.image} is another image now", False
    return None


def _restarts_in_a_loop(there: ObservedContainer, observed: ObservedNode) -> bool:
    """Whether it is a haproxy that ends again and again, also in a moment in which it runs."""
    ends = there.role == "haproxy" and observed.serving is None
    return ends and there.restarts_in_a_loop(observed.now)


def _loaded(role: Role, desired: DesiredNode, observed: ObservedNode) -> bool:
    """Whether a running program has read the file that is there, as far as it says."""
    if role == "haproxy":
        return observed.serving == desired.config_id(role)
    return observed.vrrp is None or observed.vrrp.config_id == desired.config_id(role)
