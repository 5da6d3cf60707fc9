"""The scripts that change nodes, built from the plan. Pure."""

from __future__ import annotations

from enum import Enum

from hadeploy.desired import layout
from hadeploy.desired.client_hello import hello_for_printf
from hadeploy.inventory.cluster import Cluster
from hadeploy.plan.backends import check_seconds
from hadeploy.plan.steps import Impact, NodePlan
from hadeploy.plan.vip_moves import winning_step
from hadeploy.rollout.change import Change
from hadeploy.rollout.lock import Lock
from hadeploy.rollout.shell_words import FINGERPRINT, shell_line
from hadeploy.rollout.step_commands import (
    AFTERWARDS,
    TOUCHES,
    policies,
    proof_command,
    step_command,
)
from hadeploy.rollout.takeover import takeover_proofs

# The proof that fails if a backend is down after the change and was up before.
BACKENDS = "backends"
# The proof that fails if a node is about to take the VIP and reaches fewer backends than the
# holder.
TAKEOVER = "takeover"


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
    return lock_script(change, fingerprint, [*lines, FINGERPRINT], otherwise, turn.coordinated)


def touches_haproxy(turn: NodePlan) -> bool:
    """Whether a turn starts, replaces or reloads haproxy."""
    return any(step.role == "haproxy" and step.action in TOUCHES for step in turn.steps)


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
    last = max((n for n, s in steps if s.role == "haproxy" and s.action in TOUCHES), default=-1)
    wins = winning_step(turn) if change.takeover else None
    after = (n for n, step in steps if n > last and (step.action in AFTERWARDS or n == wins))
    return next(after, None)


def _before_steps(change: Change, turn: NodePlan) -> list[str]:
    lines = ["begin"]
    if change.backends and (touches_haproxy(turn) or disables(turn)):
        lines.append("expect_backends")
    if not (turn.holder or turn.coordinated) and any(
        s.impact is Impact.RESTART for s in turn.steps
    ):
        lines.insert(0, shell_line("require_vip_elsewhere", *change.desired.addresses))
    return lines


def _turn_lines(change: Change, turn: NodePlan, finish: int) -> tuple[list[str], list[str]]:
    """The lines of the steps with their proofs: those before step `finish`, and the others."""
    cluster, desired = change.cluster, change.desired
    proofs = takeover_proofs(cluster, change.takeover, desired.addresses, turn)
    lines: list[str] = []
    first = lines
    disabling = _last_disabling(turn)
    served_after = {
        n for n, s in enumerate(turn.steps) if s.role == "haproxy" and s.action in TOUCHES
    }
    served_after = served_after or {-1 if disabling is None else disabling}
    check_alone = _check_alone(turn)
    settled = True
    carried = False
    for number, step in enumerate(turn.steps):
        if step.action in AFTERWARDS and not settled:
            # keepalived's check failed while haproxy was stopped; the next turn must wait for it.
            proof = proof_command(cluster, desired, desired.container("keepalived"))
            lines.append(shell_line("step", f"{number}.settled", *proof))
            settled = True
        if number == finish:
            lines = []
        if number in proofs:
            lines.append(shell_line("step", f"{number}.{TAKEOVER}", *proofs[number]))
        command = step_command(change, turn, step)
        if command:
            if step.role == "haproxy" and step.action != "write-file" and not carried:
                lines.append("save_server_state")
                carried = True
            lines.append(shell_line("step", str(number), *command))
            if step.role and (step.action in TOUCHES or number == check_alone):
                proof = proof_command(cluster, desired, desired.container(step.role))
                lines.append(shell_line("step", f"{number}.proof", *proof))
                settled = step.role == "keepalived"
            if number in served_after and change.backends:
                seconds = str(check_seconds(cluster))
                prove = "prove_backends" if disabling is None else "prove_disabled"
                lines.append(shell_line("step", f"{number}.{BACKENDS}", prove, seconds))
    return first, lines if lines is not first else []


def _check_alone(turn: NodePlan) -> int | None:
    """The step that writes keepalived's check, if no step proves keepalived."""
    steps = list(enumerate(turn.steps))
    touched = any(step.role == "keepalived" and step.action in TOUCHES for _, step in steps)
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
            shell_line("step", "0", "hand_over", port, *vips),
            shell_line("step", "1", "finish_handover", cluster.container_names[1], port, *vips),
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
