"""Performs the turn of one node: runs its script, shows the progress, and evaluates the result."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hadeploy.observe.parsing import parsing
from hadeploy.plan.steps import Impact, NodePlan, Step
from hadeploy.progress import Progress
from hadeploy.remote.script_errors import HINT
from hadeploy.remote.session import CHANGE_SECONDS, Session
from hadeploy.rollout.lost_backends import (
    BackendsLostError,
    ServiceLostError,
    UnfitForTakeoverError,
    lost_backends,
)
from hadeploy.rollout.node_outcome import NodeFailedError, NodeOutcome, NotTakenOverError
from hadeploy.rollout.reply_errors import RefusedError, refuse
from hadeploy.rollout.scripts import BACKENDS, TAKEOVER
from hadeploy.scripts.protocol import Message, Reply

DESCRIPTIONS = {
    "load-image": "loading",
    "write-file": "writing",
    "create-container": "starting",
    "recreate-container": "recreating",
    "start-container": "starting",
    "reload-container": "reloading",
    "remove-container": "removing",
    "keep-aside": "keeping a copy of",
    "stop-container": "stopping",
    "disable-container": "stopping and disabling",
    "hold": "holding",
    "await": "waiting for",
    "handover": "handing over",
    "finish-handover": "finishing the handover of",
    "pin": "pinning",
    "unpin": "unpinning",
    "write-record": "recording",
}

OUTCOMES = {
    "restored": NodeOutcome.RESTORED,
    "restored-off": NodeOutcome.RESTORED_OFF,
    "unrestored": NodeOutcome.PARTIAL,
    "no-restore": NodeOutcome.PARTIAL_FIRST,
    "unchanged": NodeOutcome.UNTOUCHED,
    "kept-off": NodeOutcome.KEPT_OFF,
}
# The number of a step, and the name of its proof.
_STEP = re.compile(r"([0-9]{1,4})(?:\.([a-z]+))?")


@dataclass(frozen=True)
class TurnResult:
    """The result of a completed turn.

    Attributes:
        fingerprint: of the node after the turn.
        awaited: seconds in which the turn only waited for VRRP.
    """

    fingerprint: str
    awaited: float


def apply_node(
    script: str, turn: NodePlan, session: Session, progress: Progress, *, begun: bool = False
) -> TurnResult:
    """Perform the steps of one turn and prove that the node is healthy.

    Args:
        script: performs the steps, or a part of them.
        turn: the steps.
        session: to the node.
        progress: receives the steps.
        begun: whether another script of this turn has changed the node already.

    Raises:
        BackendsLostError: backends that were up before, or that the holder reaches, are down; or
            clients do not get the same answers as before.
        NodeFailedError: with the failed step, its output, and the outcome of the node.
        RefusedError: the script must not begin.
        HadeployError: the answer cannot be parsed, so the outcome of the node is unknown.
    """
    with parsing(session.node, "applying", HINT):
        return _take_turn(script, turn, session, progress, begun=begun)


def _take_turn(
    script: str, turn: NodePlan, session: Session, progress: Progress, *, begun: bool
) -> TurnResult:
    def report(message: Message) -> None:
        if message.kind == "step" and message.words[0] != "begin":
            progress.node(session.node, _describe(turn, message.words[0]))
        elif message.kind == "restoring":
            progress.node(session.node, "restoring the previous configuration")

    reply = session.run(script, operation="applying", on_message=report, seconds=CHANGE_SECONDS)
    failed = reply.all("failed")
    if not failed:
        _refuse(reply, session.node, begun=begun)
        awaited = sum(int(message.words[0]) for message in reply.all("vip-wait"))
        return TurnResult(reply.all("fingerprint")[-1].words[0], awaited / 100)
    number = failed[0].words[0]
    output = [next((m.text for m in reply.all("step") if m.words[0] == number), "")]
    if reply.all("unrestored"):
        output += ["--- restore:", reply.body("restoring")]
    progress.node(session.node, _describe(turn, number), "failed")
    if lost := lost_backends(reply):
        if number.endswith(f".{TAKEOVER}"):
            raise UnfitForTakeoverError(lost, _outcome(reply), node=session.node)
        if _hands_over(turn, number):
            raise ServiceLostError(lost, _outcome(reply), node=session.node)
        raise BackendsLostError(lost, _outcome(reply), node=session.node)
    kind = NotTakenOverError if _hands_over(turn, number) else NodeFailedError
    raise kind(
        f"failed while {_describe(turn, number)}",
        _outcome(reply),
        node=session.node,
        detail="\n".join(output),
    )


def _refuse(reply: Reply, node: str, *, begun: bool) -> None:
    try:
        refuse(reply, node, "applying")
    except RefusedError as error:
        if not (begun or reply.all("ok")):
            raise
        # A run that lost its lock between two steps must not restore the first one either.
        raise NodeFailedError(
            error.message, NodeOutcome.PARTIAL, node=node, hint=error.hint
        ) from error


def restore_node(
    script: str,
    session: Session,
    progress: Progress,
    operation: str = "restoring the previous configuration",
) -> NodeOutcome:
    """Restore a node, or keep the VIP off it.

    Args:
        script: the script that does it.
        session: to the node.
        progress: receives the operation.
        operation: for the progress.
    """
    progress.node(session.node, operation)
    reply = session.run(script, operation="restoring", seconds=CHANGE_SECONDS)
    refuse(reply, session.node, "restoring")
    return _outcome(reply)


def _outcome(reply: Reply) -> NodeOutcome:
    outcomes = [OUTCOMES[m.kind] for m in reply.messages if m.kind in OUTCOMES]
    return outcomes[-1] if outcomes else NodeOutcome.PARTIAL


def _hands_over(turn: NodePlan, number: str) -> bool:
    step, proof = _step(turn, number) if number != "begin" else (None, "")
    return step is not None and not proof and step.impact is Impact.HANDOVER


def _step(turn: NodePlan, number: str) -> tuple[Step, str]:
    """The step with that number, and the name of its proof; "" for the step itself.

    Raises:
        ValueError: it is no step number.
        LookupError: the plan has no such step.
    """
    found = _STEP.fullmatch(number)
    if found is None:
        raise ValueError(f"no step: {number}")
    return turn.steps[int(found[1])], found[2] or ""


def _describe(turn: NodePlan, number: str) -> str:
    if number == "begin":
        return "saving the present configuration"
    step, proof = _step(turn, number)
    if proof == BACKENDS:
        return f"checking the backends of {step.subject}"
    if proof == TAKEOVER:
        return "checking that this node may take the VIP"
    if proof == "settled":
        return "waiting for keepalived to take part again"
    if proof:
        return f"proving {step.subject}"
    return f"{DESCRIPTIONS[step.action]} {step.subject}"
