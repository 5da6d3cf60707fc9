"""The steps that change the observed state of a node to the desired state. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from hadeploy.desired import layout
from hadeploy.desired.desired_node import Container, DesiredNode, File
from hadeploy.desired.docker_run import specification
from hadeploy.desired.roles import Role
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.applied import Applied
from hadeploy.observe.container import ObservedContainer
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.fields import SURE, changed_fields
from hadeploy.plan.redacted_diff import file_diff
from hadeploy.plan.steps import Impact, Step


def node_steps(cluster: Cluster, desired: DesiredNode, observed: ObservedNode) -> list[Step]:
    """The steps of one node, independent of the other nodes."""
    steps = [
        *_image_steps(cluster, desired, observed),
        *_stray_containers(cluster, desired, observed),
        *_track_steps(observed),
    ]
    # All of haproxy before keepalived, because keepalived's check needs the health port.
    for container in desired.containers:
        files = list(_file_steps(desired, container.role, observed))
        steps += files
        # A changed check script needs no reload: keepalived starts it for each check.
        reread = any(step.subject != layout.CHECK_SCRIPT for step in files)
        steps += _container_step(container, desired, observed, reread)
    return steps


def record_step(
    desired: DesiredNode, observed: ObservedNode, configuration: str | None, *, changed: bool
) -> list[Step]:
    """The step that writes the record, if it is needed.

    Args:
        desired: the node's desired state.
        observed: the same node.
        configuration: the id of the cluster's desired state; None if it is unknown because nodes
            are left out.
        changed: whether there are other steps.
    """
    record = observed.applied
    if changed:
        reason = "record what was applied"
    elif record is None:
        reason = "not written yet"
    elif configuration not in (None, record.configuration) or not _record_matches(desired, record):
        reason = "does not match the node"
    elif any(c.name.endswith(layout.OLD) for c in observed.ours(desired.containers[0].cluster)):
        reason = "an interrupted run left a container"
    else:
        return []
    return [Step("write-record", layout.APPLIED, reason)]


def _record_matches(desired: DesiredNode, record: Applied) -> bool:
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
            image = getattr(cluster.images, container.role)
            source = "loaded from the archive" if image.archive else "pulled"
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
            drift = observed.applied is not None
            yield Step("write-file", f"{layout.TRACK}/{name}", "missing", drift=drift)


def _file_reason(file: File, observed: ObservedNode) -> tuple[str, bool] | None:
    """Why the file is written, and whether that is drift."""
    current = observed.file(file.path)
    recorded = observed.applied.files.get(file.path) if observed.applied else None
    if current is None:
        return "missing", recorded is not None
    if current.sha256 != file.sha256:
        edited = observed.applied is not None and recorded != current.sha256
        return "edited on the node" if edited else "content changes", edited
    if current.mode != file.mode or current.owner != "0:0":
        return f"is {current.mode:04o} {current.owner}, should be {file.mode:04o} 0:0", True
    return None


def _stray_containers(
    cluster: Cluster, desired: DesiredNode, observed: ObservedNode
) -> Iterator[Step]:
    names = {container.name for container in desired.containers}
    for container in observed.ours(cluster.name):
        # write-record removes the container that was kept for a restore.
        if container.name.removesuffix(layout.OLD) not in names:
            yield Step(
                "remove-container",
                container.name,
                "has the label of this cluster and an old name",
                Impact.RESTART if container.running else Impact.NONE,
                _replaces(container, desired, observed),
            )


def _replaces(
    container: ObservedContainer, desired: DesiredNode, observed: ObservedNode
) -> Role | None:
    """The role of a renamed container, which runs until the new one is healthy."""
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
    current = observed.container(container.name)
    role = container.role
    if current is None:
        drift = observed.applied is not None and not any(
            other.role == role for other in observed.ours(container.cluster)
        )
        yield Step("create-container", container.name, "missing", role=role, drift=drift)
        return
    outdated = _outdated(container, current, observed)
    if outdated:
        reason, drift = outdated
        fields = tuple(
            f"{name}: {was} -> {wanted}"
            for name, (was, wanted) in changed_fields(container, current).items()
        )
        yield Step(
            "recreate-container", container.name, reason, Impact.RESTART, role, fields, drift
        )
    elif current.status in ("restarting", "dead") or _restarts_in_a_loop(current, observed):
        state = "is restarting" if current.running else f"is {current.status}"
        yield Step("recreate-container", container.name, state, Impact.RESTART, role, drift=True)
    elif not current.running:
        yield Step("start-container", container.name, f"is {current.status}", role=role, drift=True)
    elif reread:
        yield Step("reload-container", container.name, "its files change", Impact.RELOAD, role)
    elif not _loaded(role, desired, observed):
        yield Step(
            "reload-container",
            container.name,
            "has not loaded its current files",
            Impact.RELOAD,
            role,
            drift=True,
        )
    elif role == "keepalived" and (lost := lost_vips(desired.addresses, observed)):
        reason = f"is MASTER without {' and '.join(lost)}"
        yield Step("reload-container", container.name, reason, Impact.RELOAD, role, drift=True)


def lost_vips(vips: Collection[str], observed: ObservedNode) -> list[str]:
    """The VIPs that a node lacks although its keepalived is MASTER.

    keepalived adds an address only when it becomes MASTER or reloads. It does not try again if the
    kernel refuses the address, for example an IPv6 address while IPv6 is disabled.

    Args:
        vips: in its configuration.
        observed: the node.
    """
    if observed.vrrp is None or observed.vrrp.state != "MASTER":
        return []
    return [vip for vip in vips if not observed.holds(vip)]


def _outdated(
    container: Container, current: ObservedContainer, observed: ObservedNode
) -> tuple[str, bool] | None:
    """Why the container is recreated, and whether that is drift."""
    fields = changed_fields(container, current)
    if current.spec != specification(container):
        changed = ", ".join(fields) or "its notation"
        recorded = observed.applied.containers.get(current.name) if observed.applied else None
        if recorded not in (None, current.spec):
            return f"recreated on the node ({changed})", True
        return f"its specification changes ({changed})", False
    by_hand = [name for name in fields if name in SURE]
    if by_hand:
        return f"changed on the node ({', '.join(by_hand)})", True
    if container.role in observed.detached:
        return "one of its folders was replaced on the node", True
    image = observed.images.get(container.image)
    if image is not None and current.image_id != image:
        return f"{container.image} is another image now", False
    return None


def _restarts_in_a_loop(current: ObservedContainer, observed: ObservedNode) -> bool:
    """Whether it is a haproxy in a restart loop, also while it runs for a moment."""
    unanswered = current.role == "haproxy" and observed.serving is None
    return unanswered and current.restarts_in_a_loop(observed.now)


def _loaded(role: Role, desired: DesiredNode, observed: ObservedNode) -> bool:
    """Whether a running program has loaded its current file, as far as it reports that."""
    if role == "haproxy":
        return observed.serving == desired.config_id(role)
    return observed.vrrp is None or observed.vrrp.config_id == desired.config_id(role)
