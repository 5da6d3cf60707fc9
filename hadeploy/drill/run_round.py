"""One round of a drill: cause a failure, wait for its effect, and repair it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from hadeploy.desired.desired_node import DesiredNode
from hadeploy.drill.collector import EventCollector
from hadeploy.drill.monitor import Monitor
from hadeploy.drill.round import RequestKind, Round
from hadeploy.drill.scenarios import Scenario
from hadeploy.errors import HadeployError, NodesError
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.progress import Progress
from hadeploy.remote.fanout import each, result_of
from hadeploy.remote.session import CHANGE_SECONDS, Session
from hadeploy.rollout.interrupt import Interrupt
from hadeploy.rollout.lock import Lock
from hadeploy.rollout.reply_errors import refuse
from hadeploy.scripts.compose import compose
from hadeploy.scripts.protocol import Message

POLL_SECONDS = 0.1
# An election takes less than four adverts (RFC 3768, 6.1).
ELECTION_ADVERTS = 4
# For the timeout of a check, and for Docker.
MOVE_SECONDS = 15
# For a repair request to arrive; after that, a node repairs itself, even if this machine is gone.
REPAIR_REQUEST_SECONDS = 5
# Event kind → progress message.
SHOWN_EVENTS = {
    "breaking": "causing the failure",
    "broken": "failure caused",
    "mending": "repairing",
}


@dataclass(frozen=True)
class Drill:
    """What all rounds share.

    Attributes:
        cluster: the inventory.
        desired: by node label.
        sessions: to all nodes.
        progress: receives events.
        interrupt: whether the user has asked to stop.
        lock: held on all nodes.
        request_kind: the kind of request that is answered on this machine, or None.
        rate: requests per second from this machine.
        hold: seconds that the failure lasts after the VIP has moved.
    """

    cluster: Cluster
    desired: Mapping[str, DesiredNode]
    sessions: Mapping[str, Session]
    progress: Progress
    interrupt: Interrupt
    lock: Lock
    request_kind: RequestKind | None
    rate: float
    hold: float

    @property
    def election_seconds(self) -> int:
        """Seconds until the next node becomes master."""
        return math.ceil(ELECTION_ADVERTS * self.cluster.vrrp.advert_interval)

    @property
    def move_seconds(self) -> int:
        """Seconds within which the VIP must move."""
        return MOVE_SECONDS + self.election_seconds

    def repair_seconds(self, scenario: Scenario) -> int:
        """Seconds after which a node repairs itself."""
        if scenario.timed:
            return self.election_seconds + math.ceil(self.hold)
        return self.move_seconds + math.ceil(self.hold) + REPAIR_REQUEST_SECONDS


@dataclass(frozen=True)
class Roles:
    """The roles of the nodes in a round, by label.

    Attributes:
        victims: the nodes with the failure.
        holder: the holder of the VIPs.
        senders: the nodes that may send requests: not a victim, the holder or the next holder.
        failback: the node to which the VIPs return after the repair; None: they do not return.
    """

    victims: tuple[str, ...]
    holder: str
    senders: tuple[str, ...]
    failback: str | None


def run_round(
    drill: Drill,
    scenario: Scenario,
    roles: Roles,
    observed: Mapping[str, ObservedNode],
    prove: Callable[[], bool],
) -> Round:
    """Cause a failure, wait for its effect, repair it, and verify the cluster.

    Args:
        drill: what all rounds share.
        scenario: the failure.
        roles: the victims and the other roles.
        observed: the current state of the nodes.
        prove: waits until the cluster is healthy again, and returns whether it is.

    Raises:
        InterruptedRunError: the user asked to stop; the failure is repaired.
        HadeployError: the failure could not be caused or repaired.
    """
    drill.progress.phase(f"Drill: {scenario.name} on {' and '.join(roles.victims)}")
    monitor = Monitor(drill.cluster, drill.sessions, drill.request_kind, drill.rate)
    with monitor.running(roles.senders) as collector, ThreadPoolExecutor() as pool:
        drill.interrupt.check()
        failures = [
            pool.submit(_break, drill, scenario, drill.sessions[node], observed[node], collector)
            for node in roles.victims
        ]
        try:
            _wait_for_effect(drill, failures, lambda: _took_effect(collector, scenario, roles))
        finally:
            if not scenario.timed:
                drill.progress.waiting("the repair")
                _wait_for_marks(drill, roles.victims, failures, collector)
                each(
                    lambda node: _request_repair(drill, scenario, drill.sessions[node]),
                    roles.victims,
                )
            _finish(failures)
        _wait_for_failback(drill, collector, roles)
        healthy = prove()
        drill.interrupt.check()
    vips = tuple(str(vip.ip) for vip in drill.cluster.vip)
    return Round(
        scenario,
        roles.victims,
        roles.holder,
        vips,
        collector.events(),
        monitor.probing,
        monitor.requests(),
        healthy,
        tuple((n, state.vrrp.effective_priority) for n, state in observed.items() if state.vrrp),
    )


def _break(
    drill: Drill,
    scenario: Scenario,
    session: Session,
    state: ObservedNode,
    collector: EventCollector,
) -> None:
    """Cause the failure on one node, and return after its repair.

    Raises:
        HadeployError: the failure could not be caused or repaired.
    """
    operation = f"drill {scenario.name}"
    seconds = drill.repair_seconds(scenario)
    script = break_script(
        drill.cluster,
        drill.lock,
        state.fingerprint,
        f"drill {scenario.failure} {seconds}",
        drill.desired[session.node].facts.interface,
    )

    def receive(message: Message) -> None:
        collector.receive(session.node, message)
        if event := SHOWN_EVENTS.get(message.kind):
            drill.progress.node(session.node, f"{scenario.name}: {event}")

    reply = session.run(
        script, operation=operation, on_message=receive, seconds=seconds + CHANGE_SECONDS
    )
    refuse(reply, session.node, operation)
    if reply.all("failed"):
        raise HadeployError(
            "the failure could not be fully caused or repaired",
            node=session.node,
            operation=operation,
            detail=reply.output or None,
            hint="repair the node: hadeploy up",
        )
    drill.progress.node(session.node, f"{scenario.name}: repaired", "ok")


def break_script(cluster: Cluster, lock: Lock, fingerprint: str, line: str, interface: str) -> str:
    """The script that causes a failure and repairs it. Pure."""
    return lock.changing(cluster, fingerprint, ["drill.sh"], [line], HD_INTERFACE=interface)


def repair_script(cluster: Cluster) -> str:
    """The script that makes `break_script` start its repair. Pure."""
    variables = {"HD_CLUSTER": cluster.name}
    return compose("drill_mark.sh", variables=variables, main='rm -f "$drill_mark"\nemit end')


def _request_repair(drill: Drill, scenario: Scenario, session: Session) -> None:
    try:
        session.run(repair_script(drill.cluster), operation="requesting the repair")
    except HadeployError as error:
        seconds = drill.repair_seconds(scenario)
        error.hint = f"the node repairs itself within {seconds} s; then run `hadeploy verify`"
        raise


def _wait_for_effect(
    drill: Drill, failures: list[Future[None]], took_effect: Callable[[], bool]
) -> None:
    """Wait until the VIP has moved or could have moved, and then for `hold` seconds.

    Returns early if a failure could not be caused, or if the user asks to stop.
    """
    deadline = time.monotonic() + drill.move_seconds
    since: float | None = None
    while time.monotonic() < deadline and not drill.interrupt.asked:
        if any(future.done() and future.exception() for future in failures):
            return
        if since is None and took_effect():
            since = time.monotonic()
        if since is not None and time.monotonic() >= since + drill.hold:
            return
        drill.progress.waiting("the VIP to move" if since is None else "the end of the failure")
        time.sleep(POLL_SECONDS)


def _wait_for_marks(
    drill: Drill,
    victims: Sequence[str],
    failures: Sequence[Future[None]],
    collector: EventCollector,
) -> None:
    """Wait until each victim has a mark file that a repair request can remove, or has ended.

    Args:
        drill: has the time limit.
        victims: the nodes with the failure.
        failures: the failures, in the order of `victims`.
        collector: has the events of the mark files.
    """
    deadline = time.monotonic() + drill.move_seconds
    while time.monotonic() < deadline:
        marked = {event.node for event in collector.events() if event.kind == "breaking"}
        pairs = zip(victims, failures, strict=True)
        if all(node in marked or future.done() for node, future in pairs):
            return
        time.sleep(POLL_SECONDS)


def _wait_for_failback(drill: Drill, collector: EventCollector, roles: Roles) -> None:
    """Wait for the failback, so that it does not happen in the next round."""
    deadline = time.monotonic() + drill.move_seconds + drill.cluster.vrrp.preempt_delay
    while roles.failback and time.monotonic() < deadline and not drill.interrupt.asked:
        bound = [event.node for event in collector.events() if event.kind == "bound"]
        if [roles.holder, *bound][-1] == roles.failback:
            return
        drill.progress.waiting(f"the VIP to return to {roles.failback}")
        time.sleep(POLL_SECONDS)


def _took_effect(collector: EventCollector, scenario: Scenario, roles: Roles) -> bool:
    events = collector.events()
    if roles.holder not in roles.victims:
        return [event.kind for event in events].count("broken") == len(roles.victims)
    began = next((event.at for event in events if event.kind == "breaking"), math.inf)
    bound = {event.node for event in events if event.kind == "bound" and event.at >= began}
    # Another victim may have the VIP for a moment, until it fails too.
    return bool(bound.difference(roles.victims) if scenario.until_repaired else bound)


def _finish(failures: list[Future[None]]) -> None:
    """Wait until every node is repaired.

    Raises:
        NodesError: the errors of all nodes.
    """
    errors = []
    for future in failures:
        try:
            result_of(future)
        except HadeployError as error:
            errors.append(error)
    if errors:
        raise NodesError(errors)
