"""Names the changed settings that may have made backends go down."""

from __future__ import annotations

from hadeploy.plan.backends import changed_settings
from hadeploy.rollout.lost_backends import (
    BackendsDiedError,
    BackendsLostError,
    UnfitForTakeoverError,
    failed_on_all_nodes,
)
from hadeploy.rollout.rollout_state import RolloutState

MAX_SETTINGS = 5


def name_cause(state: RolloutState, error: BackendsLostError) -> None:
    """Add the changed settings to the error, if the change is the cause.

    Raises:
        BackendsDiedError: the backends are down on the other nodes as well.
    """
    node, prepared = error.node or "", state.prepared
    expected = state.change(node).backends
    if isinstance(error, UnfitForTakeoverError):
        expected = state.takeovers.backends
    if not prepared.by_hand and failed_on_all_nodes(
        error, expected, prepared.cluster, state.sessions, state.progress
    ):
        raise BackendsDiedError(
            "backends went down on all nodes while the change was made",
            node=node,
            operation="applying",
            detail=error.detail,
            hint="is an API server being restarted? run `hadeploy up` again when it is back",
        ) from error
    if by_hand := prepared.by_hand.get(node):
        # Few runs adopt anything.
        from hadeploy.adopt.plan import settings_changed  # noqa: PLC0415

        changed = settings_changed(prepared.cluster, prepared.desired[node], by_hand)
    else:
        changed = changed_settings(prepared.observed[node].applied, prepared.cluster)
    error.detail = "\n".join([*(error.detail or "").splitlines(), *changed[:MAX_SETTINGS]])
