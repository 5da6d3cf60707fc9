"""`up`: lock, images, validation, rollout; then waits for VRRP."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from hadeploy.errors import HadeployError
from hadeploy.images.load import image_needs, load_images
from hadeploy.observe.gather import PROBE_SECONDS, observation_script, observe_node
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.inputs import Inputs
from hadeploy.progress import Progress
from hadeploy.remote.fanout import try_each
from hadeploy.remote.session import Session
from hadeploy.rollout.interrupt import deferred
from hadeploy.rollout.lock import Lock, held
from hadeploy.rollout.node_outcome import (
    RolloutError,
)
from hadeploy.rollout.prepare import Prepared
from hadeploy.rollout.reply_errors import as_one
from hadeploy.rollout.rollout import Rollout
from hadeploy.rollout.rollout_state import RolloutState
from hadeploy.rollout.staging import stage_all
from hadeploy.rollout.validation import Warn
from hadeploy.scripts.protocol import Message


def apply(
    inputs: Inputs,
    prepared: Prepared,
    sessions: Mapping[str, Session],
    progress: Progress,
    *,
    settle: int,
    warn: Warn = lambda _: None,
) -> dict[str, ObservedNode]:
    """Perform a plan: lock, images and validation on all nodes, then node by node.

    Args:
        inputs: of the run.
        prepared: the plan.
        sessions: to all nodes.
        progress: receives the operations.
        settle: seconds that the VIP may take to answer afterwards.
        warn: receives the warnings of haproxy and keepalived.

    Returns:
        The observed nodes afterwards.

    Raises:
        LockedError: another run is changing the cluster.
        NodesError: images or validation failed; no live file was changed.
        RolloutError: a node failed, or could not be observed afterwards, or the user stopped the
            run; with the outcome of each node.
    """
    todo = [turn for turn in prepared.plan.nodes if turn.steps]
    nodes = list(dict.fromkeys(turn.node for turn in todo))
    needs = image_needs(prepared.cluster, inputs.folder, todo)
    # Before any change, because the password may be unreadable.
    login = inputs.login() if any(need.pulls for need in needs.values()) else None
    with held("up", inputs.cluster, sessions, progress, taken=bool(needs)) as lock:
        if needs:
            progress.phase("Images")
            load_images(needs, prepared.cluster, login, sessions, progress)
        progress.phase("Validate")
        staged = stage_all(prepared, nodes, lock, sessions, progress, warn)
        progress.phase("Apply")
        with deferred(progress) as interrupt:
            state = RolloutState(prepared, lock, staged, sessions, progress)
            Rollout(state).run(todo, interrupt)
        try:
            observed = _observe_when_settled(prepared, lock, sessions, progress, settle)
        except HadeployError as error:
            raise RolloutError(error, state.outcome) from error
    return {
        node: dataclasses.replace(seen, settled=seen.settled + max(state.waits))
        for node, seen in observed.items()
    }


def _observe_when_settled(
    prepared: Prepared,
    lock: Lock,
    sessions: Mapping[str, Session],
    progress: Progress,
    settle: int,
) -> dict[str, ObservedNode]:
    """Release the lock, wait for VRRP, and observe, in one exec per node.

    Raises:
        HadeployError: with all nodes that could not be observed.
    """
    script = observation_script(
        prepared.cluster, settle=settle, token=lock.token, listen=PROBE_SECONDS
    )

    def report(message: Message) -> None:
        if message.kind == "settling":
            progress.waiting("the VIP must answer on all nodes")

    progress.phase("Settle")
    observed, errors = try_each(lambda s: observe_node(s, script, report), sessions.values())
    if errors:
        raise as_one(errors, "observing the nodes after the change")
    lock.released.set()
    return {seen.node: seen for seen in observed}
