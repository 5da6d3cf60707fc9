"""The state of a rollout, and the changes for each node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hadeploy.desired.desired_node import configuration_id
from hadeploy.plan.backends import ExpectedBackend, expected_backends
from hadeploy.plan.inventory_changes import newest
from hadeploy.plan.steps import NodePlan
from hadeploy.plan.vrrp_settings import running_settings
from hadeploy.progress import Progress
from hadeploy.remote.session import Session
from hadeploy.rollout.change import Change
from hadeploy.rollout.lock import Lock
from hadeploy.rollout.node_outcome import NodeOutcome
from hadeploy.rollout.prepare import Prepared
from hadeploy.rollout.record import applied_record
from hadeploy.rollout.scripts import disables
from hadeploy.rollout.takeover import Takeovers


def election_seconds(prepared: Prepared) -> int:
    """Seconds within which the only node becomes master, with the old or the new settings.

    Three advert intervals and less than one for the skew (RFC 3768, 6.1), twice, for slow nodes.
    """
    running = [
        identity for state in prepared.observed.values() if (identity := running_settings(state))
    ]
    adverts = [prepared.cluster.vrrp.advert_interval, *(i.advert_interval for i in running)]
    return round(15 + 8 * max(adverts))


def _is_new(prepared: Prepared, node: str) -> bool:
    """Whether a node without steps has the new configuration already."""
    state, wanted = prepared.observed.get(node), prepared.desired.get(node)
    if state is None or wanted is None:
        return False
    return state.serving in (None, wanted.config_id("haproxy"))


@dataclass
class RolloutState:
    """The state of a rollout.

    Attributes:
        prepared: the plan.
        lock: held on all nodes.
        fingerprints: of each node after the last script of this run, by label.
        sessions: to all nodes.
        progress: receives the operations.
        takeovers: the nodes that may take the VIP.
        outcome: of each node.
        waits: seconds in which each turn only waited for VRRP.
    """

    prepared: Prepared
    lock: Lock
    fingerprints: dict[str, str]
    sessions: Mapping[str, Session]
    progress: Progress
    takeovers: Takeovers = field(init=False)
    outcome: dict[str, NodeOutcome] = field(init=False)
    waits: list[float] = field(default_factory=lambda: [0.0])

    def __post_init__(self) -> None:
        self.takeovers = Takeovers(self.prepared, self.sessions)
        self.outcome = {
            node: NodeOutcome.UNTOUCHED
            if node in self.fingerprints or not _is_new(self.prepared, node)
            else NodeOutcome.NEW
            for node in self.sessions
        }

    def otherwise(self, turn: NodePlan) -> str:
        """The shell function that a node calls if a step fails (lib/steps.sh)."""
        if turn.node in self.prepared.by_hand:
            return "restore_classic"
        after_all = self.prepared.plan.coordinated and not turn.coordinated
        return "keep_off" if after_all else "restore"

    def change(self, node: str, turn: NodePlan | None = None) -> Change:
        """The change for a node.

        Args:
            node: its label.
            turn: the turn of the node; None if the node is only restored.
        """
        prepared = self.prepared
        desired = prepared.desired[node]
        configuration = configuration_id(prepared.desired)
        takeover = self.takeovers.backends if turn and self.takeovers.wins(turn) else ()
        own = prepared.observed[node].applied
        vips = dict.fromkeys((*desired.addresses, *(own.vips if own else ())))
        stays = prepared.introductions.get(node)
        cluster = stays.cluster if stays else prepared.cluster
        return Change(
            cluster=cluster,
            desired=desired,
            lock=self.lock,
            record=applied_record(
                cluster,
                desired,
                configuration,
                interim=bool(prepared.then),
                kept=stays.record if stays else None,
                contents=prepared.contents,
                before=newest(state.applied for state in prepared.observed.values()),
            ),
            configuration=configuration,
            vips=tuple(vips),
            election=election_seconds(prepared),
            by_hand=prepared.by_hand.get(node),
            takeover=takeover,
            compare_answers=prepared.compare_answers,
            # For a node that was down, only the backends of the holder count.
            backends=()
            if takeover and not prepared.observed[node].backends
            else self._expected(node, turn),
        )

    def _expected(self, node: str, turn: NodePlan | None) -> tuple[ExpectedBackend, ...]:
        prepared = self.prepared
        ports = prepared.by_hand[node].ports if node in prepared.by_hand else ()
        expected = expected_backends(prepared.cluster, prepared.observed, node, ports)
        if turn and disables(turn):
            # The haproxy that stops may have served clients on the same port as ours.
            shared = [f":{listener.port}" for listener in prepared.cluster.listeners]
            both = (*expected, *(ExpectedBackend(port, port) for port in shared))
            expected = tuple(dict.fromkeys(both))
        if prepared.compare_answers:
            return expected
        return tuple(one for one in expected if not one.after.startswith(":"))
