"""After a failure: restores nodes, and keeps the VIP on a node that serves clients."""

from __future__ import annotations

from contextlib import suppress

from hadeploy.errors import HadeployError
from hadeploy.observe.gather import observe
from hadeploy.plan.steps import NodePlan
from hadeploy.rollout.apply_node import restore_node
from hadeploy.rollout.change import Change
from hadeploy.rollout.node_outcome import NodeOutcome, NotTakenOverError
from hadeploy.rollout.rollout_state import RolloutState, election_seconds
from hadeploy.rollout.scripts import restore_script
from hadeploy.rollout.take_back import keep_off, take_back

# Outcomes of nodes that have the VRRP settings from before the change.
_FORMER_SETTINGS = (NodeOutcome.UNTOUCHED, NodeOutcome.RESTORED, NodeOutcome.RESTORED_OFF)


def restore(state: RolloutState, turn: NodePlan, change: Change) -> NodeOutcome:
    """Restore a node whose change is not recorded yet."""
    node = turn.node
    script = restore_script(
        change, state.fingerprints[node], state.otherwise(turn), together=turn.coordinated
    )
    try:
        return restore_node(script, state.sessions[node], state.progress)
    except HadeployError:
        return NodeOutcome.PARTIAL


def return_vip(state: RolloutState, error: NotTakenOverError, home: str) -> None:
    """Return the VIP to its former holder."""
    prepared = state.prepared
    kept = take_back(
        prepared.cluster,
        home,
        state.lock,
        state.sessions,
        state.progress,
        election_seconds(prepared),
    )
    state.outcome |= dict.fromkeys(kept, NodeOutcome.KEPT_OFF)
    error.name_nodes(kept)


def keep_off_changed(state: RolloutState) -> None:
    """Keep the VIP off the nodes that have changed already: clients get wrong answers there."""
    for node, outcome in state.outcome.items():
        if outcome is not NodeOutcome.NEW or node not in state.fingerprints:
            continue
        change, fingerprint = state.change(node), state.fingerprints[node]
        script = restore_script(change, fingerprint, "keep_off", together=False)
        # An unreachable node may keep the VIP.
        with suppress(HadeployError):
            state.outcome[node] = restore_node(
                script, state.sessions[node], state.progress, "keeping the VIP off it"
            )


def restore_all(state: RolloutState, failed: NodePlan, nodes: list[str]) -> None:
    """Restore the nodes that have changed already, the last one first.

    If the holder is, or may become, master with the new settings, a restored backup would be a
    second master. So the backups stay held, until their guard (tasks/apply/guard.sh) or the next
    run ends that.
    """
    if failed.holder and not _holder_is_back(state, failed.node):
        return
    for node in reversed(nodes):
        script = restore_script(state.change(node), state.fingerprints[node])
        try:
            outcome = restore_node(script, state.sessions[node], state.progress)
        except HadeployError:
            state.outcome[node] = NodeOutcome.PARTIAL
            continue
        state.outcome[node] = outcome
        restored = outcome is NodeOutcome.RESTORED
        state.progress.node(node, outcome.text, "ok" if restored else "failed")


def _holder_is_back(state: RolloutState, holder: str) -> bool:
    """Whether a holder whose turn failed surely does not take part with the new settings.

    A holder that does not take part now may do so after its next successful check, and would not
    receive the adverts of the restored nodes; so it is kept off the VIP.
    """
    if state.outcome[holder] in _FORMER_SETTINGS:
        return True
    if state.outcome[holder] is NodeOutcome.UNKNOWN:
        return False
    prepared, session = state.prepared, state.sessions[holder]
    try:
        holder_state = observe(prepared.cluster, {holder: session})[holder]
    except HadeployError:
        return False
    if holder_state.vrrp is not None and holder_state.vrrp.state in ("MASTER", "BACKUP"):
        before = prepared.observed[holder].vrrp
        return before is not None and holder_state.vrrp.config_id == before.config_id
    if not keep_off(prepared.cluster, holder_state, state.lock, session, state.progress):
        return False
    state.outcome[holder] = NodeOutcome.KEPT_OFF
    return True
