"""`down`: removes the cluster from every node, and proves that it is gone."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from hadeploy.desired.client_hello import hello_for_printf
from hadeploy.desired.containers import REMOVAL_STOP_SECONDS
from hadeploy.errors import ExitCode, HadeployError, NodesError
from hadeploy.inventory.cluster import Cluster
from hadeploy.inventory.problems import printable
from hadeploy.observe.gather import observe
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.down import leftovers, other_files
from hadeploy.plan.possible_holders import spared
from hadeploy.plan.steps import NodePlan, Plan
from hadeploy.progress import Progress
from hadeploy.remote.fanout import each
from hadeploy.remote.session import CHANGE_SECONDS, Session
from hadeploy.rollout.interrupt import deferred
from hadeploy.rollout.lock import Lock, held
from hadeploy.rollout.reply_errors import refuse
from hadeploy.scripts.protocol import Message

# The VIP has already moved, so few connections remain.
HAPROXY_STOP_SECONDS = 5


def tear_down(
    cluster: Cluster,
    plan: Plan,
    observed: Mapping[str, ObservedNode],
    sessions: Mapping[str, Session],
    progress: Progress,
) -> None:
    """Perform a teardown: all backups in parallel, then the holder, so that the VIP does not move.

    Raises:
        NodesError: something could not be removed from a node; `down` can be run again.
        InterruptedRunError: the user stopped it; nodes that had begun are finished.
    """
    todo = [node for node in plan.nodes if node.steps]
    with held("down", cluster, sessions, progress) as lock:

        def remove_from(node: NodePlan) -> None:
            script = down_script(cluster, node, observed[node.node], lock)
            remove(script, node, sessions[node.node], progress)

        progress.phase("Remove")
        with deferred(progress, "`hadeploy down` continues from here") as interrupt:
            each(remove_from, [node for node in todo if not node.holder])
            interrupt.check()
            each(remove_from, [node for node in todo if node.holder])
            interrupt.check()


def prove_gone(
    cluster: Cluster,
    before: Mapping[str, ObservedNode],
    sessions: Mapping[str, Session],
    progress: Progress,
) -> dict[str, list[str]]:
    """Observe the nodes again, and fail if anything of the cluster is left.

    Args:
        cluster: the inventory.
        before: the nodes before the teardown; their records may name further VIPs.
        sessions: to all nodes.
        progress: receives the phase.

    Returns:
        The other files in the cluster's folder, by node, without nodes that have none.

    Raises:
        NodesError: with the remaining parts of each node.
    """
    progress.phase("Verify")
    after = observe(cluster, sessions)
    errors = [
        HadeployError(
            f"still there: {', '.join(left)}",
            node=node,
            operation="proving that nothing is left",
            hint="run `hadeploy down` again; an address that is in no record is kept",
            code=ExitCode.NOT_PROVEN,
        )
        for node, state in after.items()
        if (left := leftovers(cluster, state, before[node].applied))
    ]
    if errors:
        raise NodesError(errors)
    others = {node: other_files(state, before[node].applied) for node, state in after.items()}
    return {node: files for node, files in others.items() if files}


def down_script(
    cluster: Cluster,
    plan: NodePlan,
    state: ObservedNode,
    lock: Lock,
    handed_over: Sequence[str] = (),
) -> str:
    """The teardown script of one node. Pure.

    Args:
        cluster: the inventory.
        plan: the turn of the node.
        state: the observed node.
        lock: of the run.
        handed_over: the VIPs of its handover, if any.
    """
    lines = []
    for step in plan.steps:
        if step.action == "handover":
            port = str(cluster.listeners[0].port)
            there = map(shlex.quote, handed_over)
            lines.append(" ".join(["step", "0", "hand_over", port, *there]))
        if step.action == "remove-container":
            keepalived = step.role == "keepalived"
            seconds = REMOVAL_STOP_SECONDS if keepalived else HAPROXY_STOP_SECONDS
            lines.append(f"stop_and_remove {shlex.quote(step.subject)} {seconds}")
    if state.applied:
        lines += [f"release {shlex.quote(vip)}" for vip in state.applied.vips]
    files = [shlex.quote(step.subject) for step in plan.steps if step.action == "remove-file"]
    lines.append(" ".join(["remove_files", *files]))
    return lock.changing(
        cluster,
        state.fingerprint,
        ["down.sh"],
        lines,
        HD_OTHERWISE="no_restore",
        HD_HELLO=hello_for_printf(),
        HD_SPARED=" ".join(spared(state, state.applied.vips if state.applied else ())),
    )


def remove(script: str, plan: NodePlan, session: Session, progress: Progress) -> None:
    """Run a teardown script.

    Raises:
        HadeployError: something could not be removed.
    """

    def report(message: Message) -> None:
        if message.kind == "step":
            progress.node(session.node, "handing over the VIP")
        if message.kind in ("removing", "releasing"):
            progress.node(session.node, f"{message.kind} {message.words[0]}")

    reply = session.run(script, operation="removing", on_message=report, seconds=CHANGE_SECONDS)
    refuse(reply, session.node, "removing")
    if failures := reply.all("failed"):
        what = printable(" ".join(failures[0].words))
        if what == "0":
            raise HadeployError(
                "the VIP could not be handed over, so nothing was removed",
                node=session.node,
                operation="handing over",
                detail=reply.output,
                hint="`hadeploy verify` shows what is wrong with the others",
            )
        progress.node(session.node, f"{what} not removed", "failed")
        raise HadeployError(
            f"could not remove {what}",
            node=session.node,
            operation="removing",
            detail=reply.output,
            hint="fix the cause and run `hadeploy down` again",
        )
    progress.node(session.node, f"{len(plan.steps)} objects removed", "ok")
