"""`drain` and `undrain`: keep the VIP off a node, and end that."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from contextlib import suppress

from hadeploy.desired import layout
from hadeploy.desired.client_hello import hello_for_printf
from hadeploy.errors import HadeployError
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.election import return_problem, takeover_problem
from hadeploy.plan.takeover_candidates import drains, first_of, takeover_candidates
from hadeploy.progress import Progress
from hadeploy.remote.session import Session
from hadeploy.rollout.failback import fail_back
from hadeploy.rollout.handover_view import client_access_problem, room_problem
from hadeploy.rollout.lock import Lock, held
from hadeploy.rollout.node_outcome import NodeOutcome, NotTakenOverError
from hadeploy.rollout.reply_errors import refuse
from hadeploy.rollout.take_back import take_back

# Longer than any election at whole-second adverts (RFC 3768, 6.1).
SECONDS = 15


def drain(
    cluster: Cluster,
    node: str,
    observed: Mapping[str, ObservedNode],
    sessions: Mapping[str, Session],
    progress: Progress,
    *,
    asks: bool = True,
) -> bool:
    """Hand the VIP over and keep it off a node until `undrain`; survives reboots and `up`.

    Args:
        cluster: the inventory.
        node: the label of the node.
        observed: all nodes, by label.
        sessions: to all nodes, by label.
        progress: receives the steps.
        asks: whether this machine must be served, too.

    Returns:
        Whether anything changed.

    Raises:
        HadeployError: no healthy node would remain, or the VIP did not leave.
    """
    if layout.OPERATOR_DRAIN in drains(observed[node]):
        return False
    holds = any(observed[node].holds(str(vip.ip)) for vip in cluster.vip)
    problem = takeover_problem(cluster, observed, node)
    others = takeover_candidates(cluster, observed, node)
    if holds and others:
        first = first_of(others, observed)
        problem = problem or room_problem(cluster, observed[node], observed[first])
        problem = problem or (client_access_problem(cluster, node, first) if asks else None)
    if problem and (holds or not others):
        raise problem.error("draining", node)
    _run(cluster, "drain", node, drain_lines(cluster), observed, sessions, progress)
    return True


def drain_lines(cluster: Cluster) -> list[str]:
    """The lines of the script of a drain."""
    vips = " ".join(shlex.quote(str(vip.ip)) for vip in cluster.vip)
    name = shlex.quote(cluster.container_names[1])
    away = f"drain_away {layout.OPERATOR_DRAIN} {cluster.listeners[0].port} {vips}"
    return [
        f"step drain {away}",
        f'step wait until_true {SECONDS} "keepalived is in FAULT" is_fault_or_stopped {name}',
    ]


def undrain(
    cluster: Cluster,
    node: str,
    observed: Mapping[str, ObservedNode],
    sessions: Mapping[str, Session],
    progress: Progress,
) -> bool:
    """End a drain. With `vrrp.preempt`, the VIP returns to the preferred node by a handover.

    Returns:
        Whether anything changed.

    Raises:
        HadeployError: a node that reaches fewer backends would take the VIP, or keepalived does
            not become MASTER or BACKUP.
    """
    if layout.OPERATOR_DRAIN not in drains(observed[node]):
        return False
    if problem := return_problem(cluster, observed, node):
        raise problem.error("undraining", node)
    _run(cluster, "undrain", node, undrain_lines(cluster), observed, sessions, progress)
    return True


def undrain_lines(cluster: Cluster) -> list[str]:
    """The lines of the script that ends a drain."""
    rejoined = f"is_master_or_backup {shlex.quote(cluster.container_names[1])}"
    return [
        f"step undrain set_track {layout.OPERATOR_DRAIN} 0",
        f'step wait until_true {SECONDS} "keepalived is MASTER or BACKUP" {rejoined}',
    ]


def drain_script(cluster: Cluster, lock: Lock, fingerprint: str, lines: list[str]) -> str:
    """A script with these lines. Pure."""
    return lock.changing(
        cluster,
        fingerprint,
        ["drain.sh"],
        lines,
        HD_OTHERWISE="no_restore",
        HD_HELLO=hello_for_printf(),
    )


def _run(
    cluster: Cluster,
    purpose: str,
    node: str,
    lines: list[str],
    observed: Mapping[str, ObservedNode],
    sessions: Mapping[str, Session],
    progress: Progress,
) -> None:
    with held(purpose, cluster, sessions, progress) as lock:
        progress.phase(purpose.capitalize())
        script = drain_script(cluster, lock, observed[node].fingerprint, lines)
        reply = sessions[node].run(script, operation=purpose)
        refuse(reply, node, purpose)
        if reply.all("failed"):
            error = NotTakenOverError(
                "keepalived did not change state, or no other node answers on the VIP",
                NodeOutcome.RESTORED,
                node=node,
                detail=reply.output,
                hint=f"docker logs --tail 30 {cluster.container_names[1]}",
            )
            error.operation = purpose
            if purpose == "drain":
                error.name_nodes(take_back(cluster, node, lock, sessions, progress, SECONDS))
            raise error
        progress.node(node, f"{purpose}ed", "ok")
        if purpose == "undrain" and cluster.vrrp.preempt:
            # If this fails, the node preempts.
            with suppress(HadeployError):
                fail_back(cluster, node, lock, sessions, progress)
