"""The shell commands of the steps of a plan. Pure."""

from __future__ import annotations

import base64

from hadeploy.adopt.recognise import ByHand
from hadeploy.desired.desired_node import Container, DesiredNode
from hadeploy.desired.docker_run import run_arguments
from hadeploy.desired.roles import Role
from hadeploy.inventory.cluster import Cluster
from hadeploy.plan.steps import Impact, NodePlan, Step
from hadeploy.rollout.change import Change
from hadeploy.rollout.shell_words import encoded

RELOAD_SIGNAL = {"haproxy": "USR2", "keepalived": "HUP"}

# A worker starts in less than a second; keepalived waits until its check has passed several times.
HAPROXY_SECONDS = 15
KEEPALIVED_SECONDS = 15

# More than the time until the unpin step; after that the kernel removes the address.
PIN_SECONDS = 120

AFTERWARDS = ("finish-handover", "unpin", "write-record")
_REPLACES = ("create-container", "recreate-container")
TOUCHES = (*_REPLACES, "start-container", "reload-container")
# A keepalived that has ended since the plan is not started: it might take the VIP of the holder.
_RELOADS: dict[Role, str] = {"haproxy": "reload", "keepalived": "signal"}


def policies(by_hand: ByHand) -> list[str]:
    """The id and restart policy of each container, in start order."""
    found = []
    for part in by_hand.parts:
        policy = part.container.raw.get("HostConfig", {}).get("RestartPolicy") or {}
        count = policy.get("MaximumRetryCount") or 0
        name = policy.get("Name") or "no"
        found.append(f"{part.container.id}={name}{f':{count}' if count else ''}")
    return found


def _of_theirs(change: Change, by_hand: ByHand, step: Step) -> list[str]:
    """The shell command of a step for a container that was set up by hand."""
    part = next(p for p in by_hand.parts if p.role == step.role)
    if step.action == "keep-aside":
        files = {part.path: part.config, **part.extra_files}
        named = [
            word
            for path, content in files.items()
            for word in (path.strip("/").replace("/", "_"), base64.b64encode(content).decode())
        ]
        return ["keep_aside", part.container.id, part.role, *named]
    if step.impact is Impact.HANDOVER:
        port = str(change.cluster.listeners[0].port)
        return ["take_over", part.container.id, port, *change.desired.addresses]
    return ["stop_by_hand", part.container.id]


def step_command(change: Change, turn: NodePlan, step: Step) -> list[str]:
    """The shell command of a step; empty if an earlier phase has done the work."""
    command = _of_step(change, turn, step)
    decides = turn.coordinated and turn.holder and step.role == "keepalived"
    return ["in_time", *command] if decides and command else command


def _files_with_container(turn: NodePlan, role: Role) -> list[str]:
    """The files of a program that go live while its container is replaced.

    If they went live before, the old container would start with them after a reboot.
    """
    steps = [step for step in turn.steps if step.role == role]
    if not any(step.action in _REPLACES for step in steps):
        return []
    return [step.subject for step in steps if step.action == "write-file"]


def _of_step(change: Change, turn: NodePlan, step: Step) -> list[str]:
    role = step.role
    if change.by_hand and step.action in ("keep-aside", "stop-container"):
        return _of_theirs(change, change.by_hand, step)
    keepalived = change.cluster.container_names[1]
    if role is None:
        addresses, port = change.desired.addresses, str(change.cluster.listeners[0].port)
        commands = {
            "remove-container": ["remove_container", step.subject],
            "disable-container": ["disable_container", step.subject, step.subject],
            "write-record": ["record", encoded(change.record), change.configuration],
            "hold": ["hold", keepalived],
            "await": ["await_vip", port, *addresses],
            "handover": ["hand_over", port, *addresses],
            "finish-handover": ["finish_handover", keepalived, port, *addresses],
            "pin": ["pin_and_proxy", str(2 * change.election + PIN_SECONDS), *change.vips],
            "unpin": ["unpin_when_master", keepalived, *addresses],
        }
        return commands.get(step.action, [])
    replace = [
        "recreate",
        step.subject,
        " ".join(_files_with_container(turn, role)),
        *run_arguments(change.desired.container(role)),
    ]
    commands = {
        "remove-container": ["stop_and_rename", step.subject, change.desired.container(role).name],
        "write-file": [] if _files_with_container(turn, role) else ["swap", step.subject],
        "create-container": replace,
        "recreate-container": replace,
        "start-container": ["start", step.subject],
        "reload-container": [_RELOADS[role], step.subject, RELOAD_SIGNAL[role]],
    }
    command = commands.get(step.action, [])
    if role == "haproxy" and step.action in TOUCHES:
        listeners = (listener.port for listener in change.cluster.listeners)
        ports = " ".join(map(str, (*listeners, change.cluster.haproxy.health_port)))
        return ["if_ports_are_free", step.subject, ports, *command]
    return command


def proof_command(cluster: Cluster, desired: DesiredNode, container: Container) -> list[str]:
    """The shell command that proves a program after its step."""
    config_id = desired.config_id(container.role)
    if container.role == "keepalived":
        check = cluster.vrrp.check
        seconds = KEEPALIVED_SECONDS + (check.rise + 1) * (check.interval + check.timeout)
        pause = check.fall * (check.interval + check.timeout) + 1
        words = (seconds, check.fall, pause)
        return ["prove_keepalived", container.name, config_id, *map(str, words)]
    return [
        "prove_haproxy",
        container.name,
        str(cluster.haproxy.health_port),
        config_id,
        str(HAPROXY_SECONDS),
        *(str(listener.port) for listener in cluster.listeners),
    ]
