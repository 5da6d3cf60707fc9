"""The scripts of a run, built from the plan. Pure."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum

from hadeploy.adopt.recognise import ByHand
from hadeploy.desired import layout
from hadeploy.desired.client_hello import hello_for_printf
from hadeploy.desired.desired_node import Container, DesiredNode, Role
from hadeploy.desired.docker_run import (
    run_arguments,
    trial_arguments,
    validate_arguments,
    validation_of,
)
from hadeploy.inventory.cluster import Cluster
from hadeploy.plan.backends import ExpectedBackend, check_seconds
from hadeploy.plan.steps import Impact, NodePlan, Step
from hadeploy.plan.vip_moves import winning_step
from hadeploy.rollout.lock import Lock
from hadeploy.rollout.takeover import takeover_proofs
from hadeploy.rollout.validation import FILES
from hadeploy.scripts.compose import compose

FINGERPRINT = 'emit fingerprint "$(fingerprint "$(list_containers 2>/dev/null)")"'
# The proof that fails if a backend is down after the change and was up before.
BACKENDS = "backends"
# The proof that fails if a node is about to take the VIP and reaches fewer backends than the
# holder.
TAKEOVER = "takeover"
RELOAD_SIGNAL = {"haproxy": "USR2", "keepalived": "HUP"}

# A worker starts in less than a second; keepalived waits until its check has passed several times.
HAPROXY_SECONDS = 15
KEEPALIVED_SECONDS = 15

# More than the time until the unpin step; after that the kernel removes the address.
PIN_SECONDS = 120


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
            lines.append(_line("put", file.path, f"{file.mode:04o}", _base64(file.content)))
    if "haproxy" in roles:
        # haproxy would warn of the missing file.
        lines.append(_line("put", layout.SERVER_STATE, "0644", _base64(layout.NO_SERVER_STATE)))
    staging = f"{desired.root}/{layout.STAGING}"
    for container in desired.containers:
        if container.role not in roles:
            continue
        command = validate_arguments(container, staging, validation_of(container))
        lines.append(_line("validate", container.role, "", *command))
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
            content = _base64(desired.file(FILES[container.role]).content)
            lines.append(_line("validate", container.role, content, *trial_arguments(container)))
    return compose("validate.sh", variables={}, main="\n".join([*lines, "emit end"]))


@dataclass(frozen=True)
class Change:
    """The inputs for the scripts of a node.

    Attributes:
        cluster: the inventory.
        desired: the node's desired state; its files are staged already.
        lock: already held on the node, and renewed with each step.
        record: the new record for the node.
        configuration: the id of the configuration.
        vips: the old and the new VIPs.
        election: seconds within which the only node becomes master, with the old or the new
            settings.
        by_hand: what was set up by hand there and is taken over.
        backends: the backends that must be up after a change of haproxy.
        takeover: the backends that must be up before a step by which the node takes the VIP.
        compare_answers: whether clients must get the same answers as before the change.
    """

    cluster: Cluster
    desired: DesiredNode
    lock: Lock
    record: str
    configuration: str
    vips: tuple[str, ...]
    election: int
    by_hand: ByHand | None = None
    backends: tuple[ExpectedBackend, ...] = ()
    takeover: tuple[ExpectedBackend, ...] = ()
    compare_answers: bool = True


class Part(Enum):
    """The part of a turn that a script performs."""

    WHOLE = "whole"
    CHANGE = "change"
    FINISH = "finish"


def apply_script(
    change: Change,
    turn: NodePlan,
    fingerprint: str,
    *,
    otherwise: str,
    part: Part = Part.WHOLE,
) -> str:
    """Performs the steps of one turn, and proves both programs.

    Args:
        change: the inputs.
        turn: the steps.
        fingerprint: of the node after the previous script.
        otherwise: the shell function to call if a step fails (lib/steps.sh).
        part: the part of the turn; FINISH begins with `finishing_step`.
    """
    finish = finishing_step(change, turn) if part is not Part.WHOLE else None
    first, second = _turn_lines(change, turn, len(turn.steps) if finish is None else finish)
    lines = ["begin", *second] if part is Part.FINISH else [*_before_steps(change, turn), *first]
    if part is Part.CHANGE:
        # If the run ends here, a held node ends its hold by itself.
        lines.append("guard")
    return lock_script(change, fingerprint, [*lines, FINGERPRINT], otherwise, turn.together)


def touches_haproxy(turn: NodePlan) -> bool:
    """Whether a turn starts, replaces or reloads haproxy."""
    return any(step.role == "haproxy" and step.action in _TOUCHES for step in turn.steps)


def disables(turn: NodePlan) -> bool:
    """Whether a turn disables a foreign container."""
    return _last_disabling(turn) is not None


def _last_disabling(turn: NodePlan) -> int | None:
    steps = (n for n, step in enumerate(turn.steps) if step.action == "disable-container")
    return max(steps, default=None)


def finishing_step(change: Change, turn: NodePlan) -> int | None:
    """The first step after which the change of haproxy is final.

    With this step the VIP may move, or the change is recorded. So the new haproxy must be proven
    before it.

    Args:
        change: the inputs.
        turn: the steps.

    Returns:
        None if there is no such step.
    """
    steps = list(enumerate(turn.steps))
    last = max((n for n, s in steps if s.role == "haproxy" and s.action in _TOUCHES), default=-1)
    wins = winning_step(turn) if change.takeover else None
    after = (n for n, step in steps if n > last and (step.action in _AFTERWARDS or n == wins))
    return next(after, None)


def _before_steps(change: Change, turn: NodePlan) -> list[str]:
    lines = ["begin"]
    if change.backends and (touches_haproxy(turn) or disables(turn)):
        lines.append("expect_backends")
    if not (turn.holder or turn.together) and any(s.impact is Impact.RESTART for s in turn.steps):
        lines.insert(0, _line("require_vip_elsewhere", *change.desired.addresses))
    return lines


def _turn_lines(change: Change, turn: NodePlan, finish: int) -> tuple[list[str], list[str]]:
    """The lines of the steps with their proofs: those before step `finish`, and the others."""
    cluster, desired = change.cluster, change.desired
    proofs = takeover_proofs(cluster, change.takeover, desired.addresses, turn)
    lines: list[str] = []
    first = lines
    disabling = _last_disabling(turn)
    served_after = {
        n for n, s in enumerate(turn.steps) if s.role == "haproxy" and s.action in _TOUCHES
    }
    served_after = served_after or {-1 if disabling is None else disabling}
    check_alone = _check_alone(turn)
    settled = True
    carried = False
    for number, step in enumerate(turn.steps):
        if step.action in _AFTERWARDS and not settled:
            # keepalived's check failed while haproxy was stopped; the next turn must wait for it.
            proof = _proof(cluster, desired, desired.container("keepalived"))
            lines.append(_line("step", f"{number}.settled", *proof))
            settled = True
        if number == finish:
            lines = []
        if number in proofs:
            lines.append(_line("step", f"{number}.{TAKEOVER}", *proofs[number]))
        command = _command(change, turn, step)
        if command:
            if step.role == "haproxy" and step.action != "write-file" and not carried:
                lines.append("save_server_state")
                carried = True
            lines.append(_line("step", str(number), *command))
            if step.role and (step.action in _TOUCHES or number == check_alone):
                proof = _proof(cluster, desired, desired.container(step.role))
                lines.append(_line("step", f"{number}.proof", *proof))
                settled = step.role == "keepalived"
            if number in served_after and change.backends:
                seconds = str(check_seconds(cluster))
                prove = "prove_backends" if disabling is None else "prove_disabled"
                lines.append(_line("step", f"{number}.{BACKENDS}", prove, seconds))
    return first, lines if lines is not first else []


def _check_alone(turn: NodePlan) -> int | None:
    """The step that writes keepalived's check, if no step proves keepalived."""
    steps = list(enumerate(turn.steps))
    touched = any(step.role == "keepalived" and step.action in _TOUCHES for _, step in steps)
    written = (n for n, s in steps if (s.action, s.subject) == ("write-file", layout.CHECK_SCRIPT))
    return None if touched else next(written, None)


def handing_over_script(cluster: Cluster, lock: Lock, fingerprint: str) -> str:
    """Hands the VIPs over, and lets this node take part again.

    Args:
        cluster: the inventory.
        lock: already held on the node.
        fingerprint: of the node.
    """
    vips = [str(vip.ip) for vip in cluster.vip]
    port = str(cluster.listeners[0].port)
    return lock.changing(
        cluster,
        fingerprint,
        ["steps.sh", "handover.sh", "finish_handover.sh"],
        [
            _line("step", "0", "hand_over", port, *vips),
            _line("step", "1", "finish_handover", cluster.container_names[1], port, *vips),
        ],
        HD_OTHERWISE="no_restore",
        HD_HELLO=hello_for_printf(),
    )


def restore_script(
    change: Change, fingerprint: str, how: str = "restore", *, together: bool = True
) -> str:
    """Restores one node to the state in its record.

    Args:
        change: the inputs of the change.
        fingerprint: of the node after the previous script.
        how: the shell function (HD_OTHERWISE in lib/steps.sh).
        together: whether all nodes are restored.
    """
    return lock_script(change, fingerprint, [how], "no_restore", together=together)


def lock_script(
    change: Change, fingerprint: str, lines: list[str], otherwise: str, together: bool
) -> str:
    """A script with all functions of a change, under the lock."""
    return change.lock.changing(
        change.cluster,
        fingerprint,
        ["apply.sh", *(["adopt.sh"] if change.by_hand else [])],
        lines,
        offered={"HD_BY_HAND": " ".join(policies(change.by_hand)) if change.by_hand else ""},
        HD_VIPS=" ".join(change.vips),
        HD_CHECK_SCRIPT=layout.IN_KEEPALIVED + layout.CHECK_SCRIPT.removeprefix("keepalived"),
        HD_HEALTH_PORT=str(change.cluster.haproxy.health_port),
        HD_LISTENERS=" ".join(f"{i.name}={i.port}" for i in change.cluster.listeners),
        HD_CLIENT_VIPS=" ".join(str(vip.ip) for vip in change.cluster.vip),
        HD_HELLO=hello_for_printf(),
        HD_NODE_ADDRESS=str(change.cluster.node(change.desired.node).address),
        HD_BACKENDS=" ".join(backend.word for backend in change.backends),
        HD_ELECTION=str(change.election),
        HD_COMPARE="yes" if change.compare_answers else "no",
        HD_OTHERWISE=otherwise,
        HD_TOGETHER="yes" if together else "no",
    )


_AFTERWARDS = ("finish-handover", "unpin", "write-record")
_REPLACES = ("create-container", "recreate-container")
_TOUCHES = (*_REPLACES, "start-container", "reload-container")
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


def _command(change: Change, turn: NodePlan, step: Step) -> list[str]:
    """The shell command of a step; empty if an earlier phase has done the work."""
    command = _of_step(change, turn, step)
    decides = turn.together and turn.holder and step.role == "keepalived"
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
            "write-record": ["record", _base64(change.record), change.configuration],
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
    if role == "haproxy" and step.action in _TOUCHES:
        listeners = (listener.port for listener in change.cluster.listeners)
        ports = " ".join(map(str, (*listeners, change.cluster.haproxy.health_port)))
        return ["if_ports_are_free", step.subject, ports, *command]
    return command


def _proof(cluster: Cluster, desired: DesiredNode, container: Container) -> list[str]:
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


def _line(*words: str) -> str:
    return " ".join(shlex.quote(word) for word in words)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
