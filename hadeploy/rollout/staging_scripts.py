"""The scripts that stage files, or try them. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Collection

from hadeploy.desired import layout
from hadeploy.desired.desired_node import DesiredNode
from hadeploy.desired.docker_run import (
    trial_arguments,
    validate_arguments,
    validation_of,
)
from hadeploy.desired.roles import Role
from hadeploy.inventory.cluster import Cluster
from hadeploy.rollout.lock import Lock
from hadeploy.rollout.shell_words import FINGERPRINT, encoded, shell_line
from hadeploy.rollout.validation import FILES
from hadeploy.scripts.compose import compose


def stage_script(
    cluster: Cluster, desired: DesiredNode, roles: Collection[Role], lock: Lock, fingerprint: str
) -> str:
    """Takes the lock, stages files, and validates them with the real programs.

    Args:
        cluster: the inventory.
        desired: the node's desired state.
        roles: the programs that change; the others need no validation.
        lock: taken first.
        fingerprint: the fingerprint in the plan.
    """
    lines = ["stage_begin"]
    lines += [f"track {shlex.quote(name)}" for name in layout.DRAINS]
    for file in desired.files:
        if file.role in roles:
            lines.append(shell_line("put", file.path, f"{file.mode:04o}", encoded(file.content)))
    if "haproxy" in roles:
        # haproxy would warn of the missing file.
        content = encoded(layout.NO_SERVER_STATE)
        lines.append(shell_line("put", layout.SERVER_STATE, "0644", content))
    staging = f"{desired.root}/{layout.STAGING}"
    for container in desired.containers:
        if container.role not in roles:
            continue
        command = validate_arguments(container, staging, validation_of(container))
        lines.append(shell_line("validate", container.role, "", *command))
    # The new folders change the fingerprint: this is the one that the next script requires.
    lines.append(FINGERPRINT)
    return lock.changing(cluster, fingerprint, ["stage.sh"], lines, takes_lock=True)


def trial_script(desired: DesiredNode, roles: Collection[Role]) -> str:
    """Validates files that are not on the node with the real programs; changes nothing.

    Args:
        desired: the node's desired state.
        roles: the programs.
    """
    lines = []
    for container in desired.containers:
        if container.role in roles:
            content = encoded(desired.file(FILES[container.role]).content)
            lines.append(
                shell_line("validate", container.role, content, *trial_arguments(container))
            )
    return compose("validate.sh", variables={}, main="\n".join([*lines, "emit end"]))
