"""One node's turn: its script is sent, and what it says is told and judged."""

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
    "hold": "holding back",
    "await": "waiting for",
    "handover": "handing over",
    "finish-handover": "ending the handover of",
    "pin": "keeping",
    "unpin": "letting keepalived have",
    "write-record": "recording",
}

STANDINGS = {
    "restored": NodeOutcome.RESTORED,
    "restored-off": NodeOutcome.RESTORED_OFF,
    "unrestored": NodeOutcome.PARTIAL,
    "not-restored": NodeOutcome.PARTIAL_FIRST,
    "unchanged": NodeOutcome.UNTOUCHED,
    "kept-off": NodeOutcome.KEPT_OFF,
}
# The number of a step, and the part of it that is proven.
_STEP = re.compile(r"([0-9]{1,4})(?:\.([a-z]+))?")


@dataclass(frozen=True)
class Done:
    """A turn that came to its end.

    Attributes:
        fingerprint: of the node afterwards.
        awaited: seconds of it in which there was nothing to do but to wait for VRRP.
    """

    fingerprint: str
    awaited: float


def apply_node(
    script: str, turn: NodePlan, session: Session, progress: Progress, *, begun: bool = False
) -> Done:
    """Do the steps of one turn and prove the node healthy.

    Args:
        script: does them, or a part of them.
        turn: the steps.
        session: to the node.
        progress: told what is done.
        begun: whether another script of this turn has changed the node already.

    Raises:
        BackendsLostError: backends that were up before, or that the holder reaches, are down; or
            clients are not answered as before.
        NodeFailedError: with the step that failed, what it said, and what the node has now.
        RefusedError: it may not begin.
        HadeployError: its answer makes no sense, so nobody knows what the node has.
    """
    with parsing(session.node, "applying", HINT):
        return _take_turn(script, turn, session, progress, begun=begun)


def _take_turn(
    script: str, turn: NodePlan, session: Session, progress: Progress, *, begun: bool
) -> Done:
    def tell(message: Message) -> None:
        if message.kind == "step" and message.words[0] != "begin":
            progress.node(session.node, _describe(turn, message.words[0]))
        elif message.kind == "restoring":
            progress.node(session.node, "putting back what it had")

    reply = session.run(script, operation="applying", on_message=tell, seconds=CHANGE_SECONDS)
    failed = reply.all("failed")
    if not failed:
        _refuse(reply, session.node, begun=begun)
        awaited = sum(int(message.words[0]) for message in reply.all("vip-wait"))
        return Done(reply.all("fingerprint")[-1].words[0], awaited / 100)
    number = failed[0].words[0]
    said = [next((m.text for m in reply.all("step") if m.words[0] == number), "")]
    if reply.all("unrestored"):
        said += ["--- putting it back:", reply.body("restoring")]
    progress.node(session.node, _describe(turn, number), "failed")
    if lost := lost_backends(reply):
        if number.endswith(f".{TAKEOVER}"):
            raise UnfitForTakeoverError(lost, _standing(reply), node=session.node)
        if _hands_over(turn, number):
            raise ServiceLostError(lost, _standing(reply), node=session.node)
        raise BackendsLostError(lost, _standing(reply), node=session.node)
    kind = NotTakenOverError if _hands_over(turn, number) else NodeFailedError
    raise kind(
        f"failed while {_describe(turn, number)}",
        _standing(reply),
        node=session.node,
        detail="\n".join(said),
    )


def _refuse(reply: Reply, node: str, *, begun: bool) -> None:
    try:
        refuse(reply, node, "applying")
    except RefusedError as error:
        if not (begun or reply.all("ok")):
            raise
        # Who loses the lock between two steps may not put the first one back either.
        raise NodeFailedError(
            error.message, NodeOutcome.PARTIAL, node=node, hint=error.hint
        ) from error


def restore_node(
    script: str, session: Session, progress: Progress, operation: str = "putting back what it had"
) -> NodeOutcome:
    """Put a node back to what its record tells of, or keep it off the VIP.

    Args:
        script: does that.
        session: to the node.
        progress: told what is done.
        operation: what that is.

    Returns:
        What it has now.
    """
    progress.node(session.node, operation)
    reply = session.run(script, operation="putting back", seconds=CHANGE_SECONDS)
    refuse(reply, session.node, "putting back")
    return _standing(reply)


def _standing(reply: Reply) -> NodeOutcome:
    said = [STANDINGS[m.kind] for m in reply.messages if m.kind in STANDINGS]
    return said[-1] if said else NodeOutcome.PARTIAL


def _hands_over(turn: NodePlan, number: str) -> bool:
    step, proof = _step(turn, number) if number != "begin" else (None, "")
    return step is not None and not proof and step.impact is Impact.HANDOVER


def _step(turn: NodePlan, number: str) -> tuple[Step, str]:
    """The step of that number, and which part of it is proven; "" if it is the step itself.

    Raises:
        ValueError: it is no number.
        LookupError: the plan has no such step.
    """
    found = _STEP.fullmatch(number)
    if found is None:
        raise ValueError(f"no step: {number}")
    return turn.steps[int(found[1])], found[2] or ""


def _describe(turn: NodePlan, number: str) -> str:
    if number == "begin":
        return "remembering what it has"
    step, proof = _step(turn, number)
    if proof == BACKENDS:
        return f"checking the backends of {step.subject}"
    if proof == TAKEOVER:
        return "checking that this node may win the VIP"
    if proof == "settled":
        return "waiting for keepalived to take part again"
    if proof:
        return f"proving {step.subject}"
    return f"{DESCRIPTIONS[step.action]} {step.subject}"
