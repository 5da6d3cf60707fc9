"""`up`: bring the nodes to the desired state, one at a time."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from contextlib import suppress

from hadeploy.desired.desired_node import configuration_id
from hadeploy.errors import HadeployError
from hadeploy.images.load import bring, needs_of
from hadeploy.observe.gather import PROBE_SECONDS, look_at, observation_script, observe
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.backends import ExpectedBackend, changed_settings, expected_backends
from hadeploy.plan.inputs import Inputs
from hadeploy.plan.inventory_changes import newest
from hadeploy.plan.steps import Impact, NodePlan
from hadeploy.plan.vrrp_settings import running_identity
from hadeploy.progress import Progress
from hadeploy.remote.fanout import try_each
from hadeploy.remote.session import Session
from hadeploy.rollout.apply_node import apply_node, put_back
from hadeploy.rollout.client_view import ClientView, PortAnswers
from hadeploy.rollout.failback import fail_back
from hadeploy.rollout.interrupt import Interrupt, deferred
from hadeploy.rollout.lock import Lock, held
from hadeploy.rollout.lost_backends import (
    BackendsDiedError,
    BackendsLostError,
    ClientRefusedError,
    ServiceLostError,
    UnfitForTakeoverError,
    died_by_themselves,
)
from hadeploy.rollout.node_outcome import (
    NodeFailedError,
    NodeOutcome,
    NotTakenOverError,
    RolloutError,
)
from hadeploy.rollout.prepare import Prepared
from hadeploy.rollout.record import applied_record
from hadeploy.rollout.reply_errors import RefusedError, refuse
from hadeploy.rollout.scripts import (
    Change,
    Part,
    apply_script,
    disables,
    finishing_step,
    restore_script,
)
from hadeploy.rollout.staging import stage_all
from hadeploy.rollout.take_back import keep_off, take_back
from hadeploy.rollout.takeover import Takeovers
from hadeploy.rollout.takeover_candidates import find_successor
from hadeploy.rollout.validation import Warn
from hadeploy.scripts.protocol import Message

MOST_SETTINGS = 5
KEEPING = "renewing the lock"
# With these a node has the VRRP settings that it had before the change.
_FORMER_SETTINGS = (NodeOutcome.UNTOUCHED, NodeOutcome.RESTORED, NodeOutcome.RESTORED_OFF)


def apply(
    inputs: Inputs,
    prepared: Prepared,
    sessions: Mapping[str, Session],
    progress: Progress,
    *,
    settle: int,
    warn: Warn = lambda _: None,
) -> dict[str, ObservedNode]:
    """Carry a plan out: the lock and images everywhere, validation everywhere, then node by node.

    Args:
        inputs: all that the run was given.
        prepared: the plan.
        sessions: to all nodes.
        progress: told what is done.
        settle: how many seconds the VIP may take to answer afterwards.
        warn: given what haproxy and keepalived warn of.

    Returns:
        The nodes as they are then.

    Raises:
        LockedError: somebody else is changing the cluster.
        NodesError: images or validation failed; no live file was changed.
        RolloutError: a node failed, also to answer afterwards, or the user stopped; it says who has
            what.
    """
    todo = [turn for turn in prepared.plan.nodes if turn.steps]
    nodes = list(dict.fromkeys(turn.node for turn in todo))
    needs = needs_of(prepared.cluster, inputs.folder, todo)
    # Before anything is touched: the reference may lead nowhere.
    login = inputs.login() if any(need.pulls for need in needs.values()) else None
    with held("up", inputs.cluster, sessions, progress, taken=bool(needs)) as lock:
        if needs:
            progress.phase("Images")
            bring(needs, prepared.cluster, login, sessions, progress)
        progress.phase("Validate")
        staged = stage_all(prepared, nodes, lock, sessions, progress, warn)
        progress.phase("Apply")
        with deferred(progress) as interrupt:
            roll = Rollout(prepared, lock, staged, sessions, progress)
            roll.run(todo, interrupt)
        try:
            looks = _last_look(prepared, lock, sessions, progress, settle)
        except HadeployError as error:
            raise RolloutError(error, roll.outcome) from error
    return {
        node: dataclasses.replace(look, settled=look.settled + max(roll.waits))
        for node, look in looks.items()
    }


def _last_look(
    prepared: Prepared,
    lock: Lock,
    sessions: Mapping[str, Session],
    progress: Progress,
    settle: int,
) -> dict[str, ObservedNode]:
    """Give the lock back, wait for VRRP, and look; all of it in one exec.

    Raises:
        HadeployError: with every node that could not be observed.
    """
    script = observation_script(
        prepared.cluster, settle=settle, token=lock.token, listen=PROBE_SECONDS
    )

    def tell(message: Message) -> None:
        if message.kind == "settling":
            progress.waiting("the VIP is to answer everywhere")

    progress.phase("Settle")
    looks, errors = try_each(lambda s: look_at(s, script, tell), sessions.values())
    if errors:
        raise (
            errors[0] if len(errors) == 1 else _several(errors, "looking at them after the change")
        )
    lock.over.set()
    return {look.node: look for look in looks}


def _several(errors: list[HadeployError], operation: str = "applying") -> HadeployError:
    """The failures of several nodes as one, with the last words of each."""
    said = []
    for error in errors:
        said += [f"{error.node}: {error.message}", *(error.detail or "").splitlines()[-3:]]
    return HadeployError(
        f"{len(errors)} nodes failed",
        operation=operation,
        detail="\n".join(said),
        hint=errors[0].hint,
        code=max(error.code for error in errors),
    )


def election_seconds(prepared: Prepared) -> int:
    """Within how many seconds a lone node becomes master, by the old settings or the new.

    Three adverts and less than one for the skew (RFC 3768, 6.1), and as much again for slow nodes.
    """
    running = [
        identity for look in prepared.observed.values() if (identity := running_identity(look))
    ]
    adverts = [prepared.cluster.vrrp.advert_interval, *(i.advert_interval for i in running)]
    return round(15 + 8 * max(adverts))


def _is_new(prepared: Prepared, node: str) -> bool:
    """Whether a node that the plan leaves alone has the new configuration already."""
    look, wanted = prepared.observed.get(node), prepared.desired.get(node)
    if look is None or wanted is None:
        return False
    return look.serving in (None, wanted.config_id("haproxy"))


class Rollout:
    """The turns of a plan, one after the other, and the way back.

    Attributes:
        waits: seconds in which a turn had nothing to do but to wait for VRRP.
        outcome: what each node has now.
    """

    def __init__(
        self,
        prepared: Prepared,
        lock: Lock,
        staged: dict[str, str],
        sessions: Mapping[str, Session],
        progress: Progress,
    ) -> None:
        self._prepared = prepared
        self._lock = lock
        self._fingerprints = staged
        self._sessions = sessions
        self._progress = progress
        self.waits = [0.0]
        self._takeovers = Takeovers(prepared, sessions)
        self._clients = ClientView(prepared.cluster, prepared.observed, asks=prepared.serves_here)
        self.outcome = {
            node: NodeOutcome.UNTOUCHED
            if node in staged or not _is_new(prepared, node)
            else NodeOutcome.NEW
            for node in sessions
        }

    def run(self, todo: list[NodePlan], interrupt: Interrupt) -> None:
        """Take all turns.

        Raises:
            RolloutError: one failed; those that have to go back with it have gone back.
        """
        if self._prepared.plan.at_once:
            self._take_all(todo, interrupt)
        else:
            self._take_each(todo, interrupt)
        self._stop_if_asked(interrupt)

    def _stop_if_asked(self, interrupt: Interrupt) -> None:
        try:
            interrupt.check()
        except HadeployError as error:
            raise RolloutError(error, self.outcome) from error

    def _take_each(self, todo: list[NodePlan], interrupt: Interrupt) -> None:
        """Take one turn after the other."""
        failed: HadeployError | None = None
        for number, turn in enumerate(todo):
            # A change of all nodes together is taken back or finished, never left half-way.
            letting_go = bool(self._prepared.plan.together) and not turn.together
            try:
                if not letting_go:
                    interrupt.check()
                if turn.together and turn.holder:
                    self._keep_locks()
                self._take(turn)
            except HadeployError as error:
                if letting_go:
                    # The others are let go all the same.
                    failed = failed or error
                    continue
                if turn.together:
                    self._all_back(turn, [t.node for t in todo[:number]])
                raise RolloutError(error, self.outcome) from error
            last = turn.node not in {later.node for later in todo[number + 1 :]}
            self.outcome[turn.node] = NodeOutcome.NEW if last else NodeOutcome.HELD
        if failed:
            raise RolloutError(failed, self.outcome) from failed

    def _keep_locks(self) -> None:
        """Renew the lock on all nodes before the holder changes its settings.

        A node that is held back counts on it: once its lock has expired, it may return to the
        former settings (tasks/apply/guard.sh).

        Raises:
            HadeployError: a node cannot be reached, or its lock is not this run's any more.
        """
        script = self._lock.script("lock_keep")

        def keep(session: Session) -> None:
            refuse(session.run(script, operation=KEEPING), session.node, KEEPING)

        _, errors = try_each(keep, self._sessions.values())
        if errors:
            raise errors[0] if len(errors) == 1 else _several(errors)

    def _take_all(self, todo: list[NodePlan], interrupt: Interrupt) -> None:
        """Take all turns at the same time, where nothing serves yet that could be interrupted."""

        def take(turn: NodePlan) -> None:
            self._take(turn)
            self.outcome[turn.node] = NodeOutcome.NEW

        self._stop_if_asked(interrupt)
        _, errors = try_each(take, todo)
        if errors:
            error = errors[0] if len(errors) == 1 else _several(errors)
            raise RolloutError(error, self.outcome) from error

    def _take(self, turn: NodePlan) -> None:
        node, cluster = turn.node, self._prepared.cluster
        if any(step.impact is Impact.HANDOVER for step in turn.steps):
            asks = self._prepared.serves_here
            find_successor(cluster, self._prepared.desired, node, self._sessions, asks=asks)
        else:
            self._takeovers.refuse_unfit_winner(turn)
        try:
            self._apply(turn)
        except HadeployError as error:
            if isinstance(error, NodeFailedError):
                self.outcome[node] = error.outcome
                if isinstance(error, BackendsLostError):
                    # On a VIP it is so wherever the VIP is; those that changed before did not
                    # have it.
                    vips = [str(vip.ip) for vip in cluster.vip]
                    if error.outcome is NodeOutcome.RESTORED and (
                        isinstance(error, ServiceLostError) or (turn.holder and error.on(vips))
                    ):
                        self._keep_off_changed()
                    self._blame(error)
                if isinstance(error, NotTakenOverError):
                    self._take_back(error, node)
            elif not isinstance(error, RefusedError):
                self.outcome[node] = NodeOutcome.UNKNOWN
            raise
        moved = any(step.action == "handover" for step in turn.steps)
        if moved and cluster.vrrp.preempt and not turn.drained:
            # By itself it comes home, too.
            with suppress(HadeployError):
                fail_back(
                    cluster,
                    self._prepared.desired,
                    node,
                    self._lock,
                    self._sessions,
                    self._progress,
                )

    def _apply(self, turn: NodePlan) -> None:
        """Do the steps of a turn; where clients can be asked, all but the last ones first.

        Raises:
            HadeployError: a step failed, or clients are not answered as before.
        """
        node, change = turn.node, self._change(turn.node, turn)
        before = self._clients.before(turn, change.backends)
        if not before and not self._takeovers.winners(turn):
            self._run_part(turn, change, Part.WHOLE)
        else:
            self._run_part(turn, change, Part.CHANGE)
            self._ask_clients(turn, change, before)
            self._ask_winner(turn, change)
            if finishing_step(change, turn) is not None:
                self._run_part(turn, change, Part.FINISH)
        self._progress.node(node, f"{len(turn.steps)} changes applied and proven", "ok")

    def _ask_clients(self, turn: NodePlan, change: Change, before: Sequence[PortAnswers]) -> None:
        if not before:
            return
        node, operation = turn.node, "asking it as clients on this machine do"
        self._progress.node(node, operation)
        unchanged = [n for n, s in self.outcome.items() if s is NodeOutcome.UNTOUCHED and n != node]
        if lost := self._clients.lost(node, before, unchanged):
            self._progress.node(node, operation, "failed")
            raise ClientRefusedError(lost, self._back(turn, change), node=node)

    def _ask_winner(self, turn: NodePlan, change: Change) -> None:
        winners = self._takeovers.winners(turn)
        if not winners:
            return
        node, operation = turn.node, f"waiting for {' or '.join(winners)} to have the VIP"
        self._progress.node(node, operation)
        if problem := self._takeovers.problem_of_winner(turn, change.election):
            self._progress.node(node, operation, "failed")
            raise NodeFailedError(
                problem.message,
                self._back(turn, change),
                node=node,
                detail="\n".join(problem.detail) or None,
                hint=problem.hint,
            )

    def _run_part(self, turn: NodePlan, change: Change, part: Part) -> None:
        node = turn.node
        otherwise = self._otherwise(turn)
        script = apply_script(
            change, turn, self._fingerprints[node], otherwise=otherwise, part=part
        )
        begun = part is Part.FINISH
        done = apply_node(script, turn, self._sessions[node], self._progress, begun=begun)
        self._fingerprints[node] = done.fingerprint
        self.waits.append(done.awaited)

    def _back(self, turn: NodePlan, change: Change) -> NodeOutcome:
        """Put back a node whose change is not recorded yet; tells what it has now."""
        node = turn.node
        script = restore_script(
            change, self._fingerprints[node], self._otherwise(turn), together=turn.together
        )
        try:
            return put_back(script, self._sessions[node], self._progress)
        except HadeployError:
            return NodeOutcome.PARTIAL

    def _take_back(self, error: NotTakenOverError, home: str) -> None:
        """Return the VIP to the node that served it."""
        prepared = self._prepared
        kept = take_back(
            prepared.cluster,
            home,
            self._lock,
            self._sessions,
            self._progress,
            election_seconds(prepared),
        )
        self.outcome |= dict.fromkeys(kept, NodeOutcome.KEPT_OFF)
        error.blame(kept)

    def _keep_off_changed(self) -> None:
        """Keep the VIP off the nodes that have changed already: clients are not answered there."""
        for node, outcome in self.outcome.items():
            if outcome is not NodeOutcome.NEW or node not in self._fingerprints:
                continue
            change, fingerprint = self._change(node), self._fingerprints[node]
            script = restore_script(change, fingerprint, "keep_off", together=False)
            # It may be out of reach; then it keeps the VIP, if it has it.
            with suppress(HadeployError):
                self.outcome[node] = put_back(
                    script, self._sessions[node], self._progress, "keeping the VIP off it"
                )

    def _blame(self, error: BackendsLostError) -> None:
        """Name the settings that made backends go down, if the change is the cause.

        Raises:
            BackendsDiedError: it is not: they are down on the other nodes as well.
        """
        node, prepared = error.node or "", self._prepared
        expected = self._change(node).backends
        if isinstance(error, UnfitForTakeoverError):
            expected = self._takeovers.backends
        if not prepared.by_hand and died_by_themselves(
            error, expected, prepared.cluster, self._sessions, self._progress
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
        error.detail = "\n".join([*(error.detail or "").splitlines(), *changed[:MOST_SETTINGS]])

    def _otherwise(self, turn: NodePlan) -> str:
        if turn.node in self._prepared.by_hand:
            return "give_back"
        after_all = self._prepared.plan.together and not turn.together
        return "keep_off" if after_all else "put_back"

    def _all_back(self, failed: NodePlan, nodes: list[str]) -> None:
        """Put back those that have changed already, the last one first.

        If the holder is master with the new settings, or may become it, a backup that goes back
        would be a second master. Held, it is none; its guard (tasks/apply/guard.sh) or the next
        run lets it go.
        """
        if failed.holder and not self._holder_is_back(failed.node):
            return
        for node in reversed(nodes):
            script = restore_script(self._change(node), self._fingerprints[node])
            try:
                outcome = put_back(script, self._sessions[node], self._progress)
            except HadeployError:
                self.outcome[node] = NodeOutcome.PARTIAL
                continue
            self.outcome[node] = outcome
            restored = outcome is NodeOutcome.RESTORED
            self._progress.node(node, outcome.text, "ok" if restored else "failed")

    def _holder_is_back(self, holder: str) -> bool:
        """Whether a holder whose turn failed surely does not take part with the new settings.

        One that does not take part now would with its next healthy check, and receive no advert of
        the nodes that went back; so it is kept off the VIP.
        """
        if self.outcome[holder] in _FORMER_SETTINGS:
            return True
        if self.outcome[holder] is NodeOutcome.UNKNOWN:
            return False
        prepared, session = self._prepared, self._sessions[holder]
        try:
            look = observe(prepared.cluster, {holder: session})[holder]
        except HadeployError:
            return False
        if look.vrrp is not None and look.vrrp.state in ("MASTER", "BACKUP"):
            before = prepared.observed[holder].vrrp
            return before is not None and look.vrrp.config_id == before.config_id
        if not keep_off(prepared.cluster, look, self._lock, session, self._progress):
            return False
        self.outcome[holder] = NodeOutcome.KEPT_OFF
        return True

    def _change(self, node: str, turn: NodePlan | None = None) -> Change:
        prepared = self._prepared
        desired = prepared.desired[node]
        configuration = configuration_id(prepared.desired)
        takeover = self._takeovers.backends if turn and self._takeovers.wins(turn) else ()
        own = prepared.observed[node].applied
        vips = dict.fromkeys((*desired.addresses, *(own.vips if own else ())))
        stays = prepared.introductions.get(node)
        cluster = stays.cluster if stays else prepared.cluster
        return Change(
            cluster=cluster,
            desired=desired,
            lock=self._lock,
            record=applied_record(
                cluster,
                desired,
                configuration,
                interim=bool(prepared.then),
                kept=stays.record if stays else None,
                contents=prepared.contents,
                before=newest(look.applied for look in prepared.observed.values()),
            ),
            configuration=configuration,
            vips=tuple(vips),
            election=election_seconds(prepared),
            by_hand=prepared.by_hand.get(node),
            takeover=takeover,
            compare_answers=prepared.compare_answers,
            # A node that was down is held until it reaches what the holder reaches.
            backends=()
            if takeover and not prepared.observed[node].backends
            else self._expected(node, turn),
        )

    def _expected(self, node: str, turn: NodePlan | None) -> tuple[ExpectedBackend, ...]:
        prepared = self._prepared
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
