"""`up`: bring the nodes to the desired state, one at a time."""

from __future__ import annotations

import datetime
import getpass
import json
import socket
import time
from collections.abc import Mapping

from hadeploy import __version__
from hadeploy.desired.model import DesiredNode
from hadeploy.errors import HadeployError, NodesError
from hadeploy.inventory.model import Cluster
from hadeploy.observe.gather import observe
from hadeploy.plan.model import NodePlan
from hadeploy.plan.successor import successors
from hadeploy.run.images import load_images
from hadeploy.run.lock import Lock, leased, refuse, take
from hadeploy.run.prepare import Inputs, Prepared
from hadeploy.run.progress import Progress
from hadeploy.run.scripts import apply_script, stage_script
from hadeploy.runtime.docker import specification
from hadeploy.shell.compose import compose
from hadeploy.transport.fanout import each, try_each
from hadeploy.transport.protocol import Message
from hadeploy.transport.session import Session

SUCCESSOR_SECONDS = 15
POLL_SECONDS = 0.3

DESCRIPTIONS = {
    "load-image": "loading",
    "write-file": "writing",
    "create-container": "starting",
    "recreate-container": "recreating",
    "start-container": "starting",
    "reload-container": "reloading",
    "remove-container": "removing",
    "hand-over": "handing over",
    "end-hand-over": "ending the hand-over of",
    "write-record": "recording",
}


def apply(
    inputs: Inputs, prepared: Prepared, sessions: Mapping[str, Session], progress: Progress
) -> None:
    """Carry a plan out: the lock and images everywhere, validation everywhere, then node by node.

    Raises:
        LockedError: somebody else is changing the cluster.
        NodesError: images or validation failed; no live file was changed.
        HadeployError: a node failed; the nodes after it were not touched.
    """
    todo = [node for node in prepared.plan.nodes if node.steps]
    lock = Lock(inputs.cluster.name, "up")
    progress.phase("Lock")
    take(lock, sessions)
    with leased(lock, sessions):
        progress.phase("Images")
        each(lambda node: load_images(inputs, node, sessions[node.node], progress), todo)
        progress.phase("Validate")
        staged = dict(stage_all(prepared, todo, lock, sessions, progress))
        progress.phase("Apply")
        for node in todo:
            if any(step.action == "hand-over" for step in node.steps):
                find_successor(inputs.cluster, prepared, node.node, sessions)
            desired = prepared.desired[node.node]
            script = apply_script(
                inputs.cluster, desired, node, lock, staged[node.node], applied_record(desired)
            )
            apply_node(script, node, sessions[node.node], progress)


def find_successor(
    cluster: Cluster, prepared: Prepared, leaving: str, sessions: Mapping[str, Session]
) -> str:
    """A node that can take the VIP over, on the new configuration.

    Raises:
        HadeployError: there is none; the holder is not touched.
    """
    deadline = time.monotonic() + SUCCESSOR_SECONDS
    while True:
        observed = observe(cluster, sessions)
        for node in successors(cluster, observed, leaving):
            if observed[node].serving == prepared.desired[node].config_id("haproxy"):
                return node
        if time.monotonic() >= deadline:
            break
        time.sleep(POLL_SECONDS)
    raise HadeployError(
        "no healthy node could take the VIP over, so the holder is not touched",
        node=leaving,
        doing="handing over",
        hint="`hadeploy verify` tells what is wrong with the others; are they drained?",
    )


def stage_all(
    prepared: Prepared,
    todo: list[NodePlan],
    lock: Lock,
    sessions: Mapping[str, Session],
    progress: Progress,
) -> list[tuple[str, str]]:
    """Stage and validate on all nodes that will change.

    Returns:
        Each node with its fingerprint afterwards.

    Raises:
        NodesError: with every refusal; what was staged is removed again.
    """

    def stage_one(node: NodePlan) -> tuple[str, str]:
        fingerprint = prepared.observed[node.node].fingerprint
        script = stage_script(prepared.desired[node.node], lock, fingerprint)
        return node.node, stage(script, sessions[node.node], progress)

    try:
        return each(stage_one, todo)
    except NodesError:
        root = {"HD_ROOT": prepared.desired[todo[0].node].root, "HD_CLUSTER": lock.cluster}
        script = compose(variables=root, main='rm -rf "$HD_ROOT/.staging"\nemit end')
        try_each(lambda node: sessions[node.node].run(script, doing="cleaning up"), todo)
        raise


def stage(script: str, session: Session, progress: Progress) -> str:
    """Stage one node's files and have them checked by the images that will run them.

    Returns:
        The node's fingerprint afterwards.

    Raises:
        HadeployError: with the program's own words and the line that it refused.
    """

    def tell(message: Message) -> None:
        if message.kind == "validating":
            progress.node(session.node, f"checking the {message.words[0]} configuration")

    reply = session.run(script, doing="validating", on_message=tell)
    refuse(reply, session.node, "validating")
    refused = reply.all("refused")
    if refused:
        role = refused[0].words[0]
        said = next(m.text for m in reply.all("validating") if m.words[0] == role)
        raise HadeployError(
            f"{role} refuses the new configuration",
            node=session.node,
            doing="validating",
            detail=said,
            hint="no live file was changed; `hadeploy render` writes the files to look at",
        )
    if reply.all("failed"):
        raise HadeployError(
            "staging the files failed",
            node=session.node,
            doing="validating",
            detail="\n".join(m.text for m in reply.messages if m.text),
            hint="is there space, and may root write there? (paths.root)",
        )
    progress.node(session.node, "configuration checked", "ok")
    return reply.all("fingerprint")[0].words[0]


def apply_node(script: str, plan: NodePlan, session: Session, progress: Progress) -> None:
    """Do the steps of one node and prove it healthy.

    Raises:
        HadeployError: with the step that failed and what it said.
    """

    def tell(message: Message) -> None:
        if message.kind == "step":
            progress.node(session.node, _describe(plan, message.words[0]))

    reply = session.run(script, doing="applying", on_message=tell)
    refuse(reply, session.node, "applying")
    failed = reply.all("failed")
    if failed:
        number = failed[0].words[0]
        said = next(m.text for m in reply.all("step") if m.words[0] == number)
        progress.node(session.node, _describe(plan, number), "failed")
        raise HadeployError(
            f"failed while {_describe(plan, number)}",
            node=session.node,
            doing="applying",
            detail=said,
            hint="the nodes after it were not touched; mend the cause and run `hadeploy up` again",
        )
    progress.node(session.node, f"{len(plan.steps)} changes applied and proven", "ok")


def applied_record(desired: DesiredNode) -> str:
    """What goes into applied.json: no state lives on the laptop."""
    now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    return json.dumps(
        {
            "version": __version__,
            "by": f"{getpass.getuser()}@{socket.gethostname()}",
            "at": now,
            "vips": list(desired.addresses),
            "members": list(desired.members),
            "interface": desired.facts.interface,
            "files": {file.path: file.sha256 for file in desired.files},
            "containers": {c.name: specification(c) for c in desired.containers},
        },
        indent=1,
    )


def _describe(plan: NodePlan, number: str) -> str:
    index, _, proof = number.partition(".")
    step = plan.steps[int(index)]
    if proof == "settled":
        return "waiting for keepalived to take part again"
    if proof:
        return f"proving {step.subject}"
    return f"{DESCRIPTIONS[step.action]} {step.subject}"
