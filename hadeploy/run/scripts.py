"""The scripts of a run, built from the plan. Pure."""

from __future__ import annotations

import base64
import shlex

from hadeploy.desired import layout
from hadeploy.desired.model import Container, DesiredNode
from hadeploy.inventory.model import Cluster
from hadeploy.plan.model import NodePlan, Step
from hadeploy.run.lock import Lock
from hadeploy.runtime.docker import run_arguments, validate_arguments, validation_of
from hadeploy.shell.compose import compose

RELOAD_SIGNAL = {"haproxy": "USR2", "keepalived": "HUP"}

# A worker starts in well under a second; keepalived waits for its check to succeed several times.
HAPROXY_SECONDS = 15
KEEPALIVED_SECONDS = 15


def stage_script(desired: DesiredNode, lock: Lock, fingerprint: str) -> str:
    """Puts every file into the staging folder and has the real programs check them.

    Args:
        desired: the node's desired state.
        lock: held on the node already.
        fingerprint: of what the plan was made on.
    """
    lines = ["lock_keep", f"still_as {fingerprint}", "stage_begin"]
    lines += [f"track {shlex.quote(name)}" for name in layout.DRAINS]
    lines += [_line("put", f.path, f"{f.mode:04o}", _base64(f.content)) for f in desired.files]
    staging = f"{desired.root}/{layout.STAGING}"
    for container in desired.containers:
        command = validate_arguments(container, staging, validation_of(container))
        lines.append(_line("validate", container.role, *command))
    # The folders are there now: this is what the next script finds if nobody comes in between.
    lines += ['emit fingerprint "$(fingerprint)"', "emit end"]
    return compose(
        "lock.sh", "stage.sh", variables=_variables(desired, lock), main="\n".join(lines)
    )


def apply_script(
    cluster: Cluster,
    desired: DesiredNode,
    plan: NodePlan,
    lock: Lock,
    fingerprint: str,
    record: str,
) -> str:
    """Does the steps of one node's plan, then proves both programs.

    Args:
        cluster: the inventory.
        desired: the node's desired state; its files are staged already.
        plan: the steps.
        lock: held on the node already, and renewed with each step.
        fingerprint: of the node as `stage` left it.
        record: the applied record to leave on the node.
    """
    lines = ["lock_keep", f"still_as {fingerprint}"]
    settled = True
    for number, step in enumerate(plan.steps):
        if step.action in _AFTERWARDS and not settled:
            # Its check failed while haproxy was away; the next node waits until it is back.
            proof = _proof(cluster, desired, desired.container("keepalived"))
            lines.append(_line("step", f"{number}.settled", *proof))
            settled = True
        command = _command(cluster, desired, step, record)
        if command:
            lines.append(_line("step", str(number), *command))
            if step.role and step.action in _TOUCHES:
                proof = _proof(cluster, desired, desired.container(step.role))
                lines.append(_line("step", f"{number}.proof", *proof))
                settled = step.role == "keepalived"
    lines.append("emit end")
    return compose(
        "lock.sh",
        "keepalived.sh",
        "apply.sh",
        variables=_variables(desired, lock),
        main="\n".join(lines),
    )


_AFTERWARDS = ("end-hand-over", "write-record")
_TOUCHES = ("create-container", "recreate-container", "start-container", "reload-container")


def _command(cluster: Cluster, desired: DesiredNode, step: Step, record: str) -> list[str]:
    """The shell command of a step; none where the work was done in an earlier phase."""
    role = step.role
    if role is None:
        commands = {
            "remove-container": ["remove_container", step.subject],
            "write-record": ["record", _base64(record)],
            "hand-over": ["hand_over", str(cluster.listeners[0].port), *desired.addresses],
            "end-hand-over": ["end_hand_over", cluster.container_names[1]],
        }
        return commands.get(step.action, [])
    run = run_arguments(desired.container(role))
    commands = {
        "write-file": ["swap", step.subject],
        "create-container": ["recreate", step.subject, *run],
        "recreate-container": ["recreate", step.subject, *run],
        "start-container": ["start", step.subject],
        "reload-container": ["signal", step.subject, RELOAD_SIGNAL[role]],
    }
    return commands.get(step.action, [])


def _proof(cluster: Cluster, desired: DesiredNode, container: Container) -> list[str]:
    config_id = desired.config_id(container.role)
    if container.role == "keepalived":
        check = cluster.vrrp.check
        seconds = KEEPALIVED_SECONDS + (check.rise + 1) * (check.interval + check.timeout)
        return ["prove_keepalived", container.name, config_id, str(seconds)]
    return [
        "prove_haproxy",
        container.name,
        str(cluster.haproxy.health_port),
        config_id,
        str(HAPROXY_SECONDS),
        *(str(listener.port) for listener in cluster.listeners),
    ]


def _variables(desired: DesiredNode, lock: Lock) -> dict[str, str]:
    return {"HD_ROOT": desired.root, **lock.variables}


def _line(*words: str) -> str:
    return " ".join(shlex.quote(word) for word in words)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
