"""One round of a drill: breaking something on purpose, and mending it; drill/watch.py looks on."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from hadeploy.desired.desired_node import DesiredNode
from hadeploy.drill.monitor import Watched
from hadeploy.drill.scenarios import Scenario
from hadeploy.drill.trial import How, Round
from hadeploy.drill.watch import Onlooker
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
# An election takes less than four adverts (RFC 3768, 6.1); a hung check and Docker take their time.
ELECTION_ADVERTS = 4
MOVE_SECONDS = 15
# For the word to mend to arrive; after that a node mends itself, whatever became of this machine.
WORD_SECONDS = 5
TOLD = ("breaking", "broken", "mending")


@dataclass(frozen=True)
class Drill:
    """What all rounds have in common.

    Attributes:
        cluster: the inventory.
        desired: by node label.
        sessions: to all nodes.
        progress: told what is done.
        interrupt: whether the user has asked to stop.
        lock: held on all nodes.
        how: what is answered through the VIP on this machine, or None.
        rate: requests a second from this machine.
        hold: seconds for which things stay broken once the VIP has moved.
    """

    cluster: Cluster
    desired: Mapping[str, DesiredNode]
    sessions: Mapping[str, Session]
    progress: Progress
    interrupt: Interrupt
    lock: Lock
    how: How | None
    rate: float
    hold: float

    @property
    def election(self) -> int:
        """Seconds within which the next node becomes master."""
        return math.ceil(ELECTION_ADVERTS * self.cluster.vrrp.advert_interval)

    @property
    def patience(self) -> int:
        """Seconds within which the VIP must have moved."""
        return MOVE_SECONDS + self.election

    def lasts(self, scenario: Scenario) -> int:
        """Seconds after which a node mends itself."""
        if scenario.bounded:
            return self.election + math.ceil(self.hold)
        return self.patience + math.ceil(self.hold) + WORD_SECONDS


@dataclass(frozen=True)
class Roles:
    """Who is what in a round, by node label.

    Attributes:
        victims: where something is broken.
        holder: who has the VIPs.
        bystanders: who is neither, nor the next to have them.
        home: where they go when all is mended; None: they stay where they are.
    """

    victims: tuple[str, ...]
    holder: str
    bystanders: tuple[str, ...]
    home: str | None


def run_round(
    drill: Drill,
    scenario: Scenario,
    roles: Roles,
    observed: Mapping[str, ObservedNode],
    prove: Callable[[], bool],
) -> Round:
    """Break, look on, mend, prove.

    Args:
        drill: what all rounds have in common.
        scenario: what is broken.
        roles: where, and who asks.
        observed: the nodes, just now.
        prove: waits until the cluster is whole again, and tells whether it is.

    Raises:
        InterruptedRunError: the user has asked to stop; all is mended.
        HadeployError: something could not be broken, or not be mended.
    """
    drill.progress.phase(f"Drill: {scenario.name} on {' and '.join(roles.victims)}")
    onlooker = Onlooker(drill.cluster, drill.sessions, drill.how, drill.rate)
    with onlooker.watching(roles.bystanders) as watched, ThreadPoolExecutor() as pool:
        drill.interrupt.check()
        broken = [
            pool.submit(_break, drill, scenario, drill.sessions[node], observed[node], watched)
            for node in roles.victims
        ]
        try:
            _wait(drill, broken, lambda: _happened(watched, scenario, roles))
        finally:
            if not scenario.bounded:
                drill.progress.waiting("mending")
                seconds = drill.lasts(scenario)
                _wait_for_marks(drill, roles.victims, broken, watched)
                each(lambda node: _mend(drill, drill.sessions[node], seconds), roles.victims)
            _finish(broken)
        _go_home(drill, watched, roles)
        healthy = prove()
        drill.interrupt.check()
    vips = tuple(str(vip.ip) for vip in drill.cluster.vip)
    return Round(
        scenario,
        roles.victims,
        roles.holder,
        vips,
        watched.events(),
        onlooker.probing,
        onlooker.requests(),
        healthy,
        tuple((n, look.vrrp.effective_priority) for n, look in observed.items() if look.vrrp),
    )


def _break(
    drill: Drill, scenario: Scenario, session: Session, look: ObservedNode, watched: Watched
) -> None:
    """Break it on one node; returns when it is mended.

    Raises:
        HadeployError: it could not be.
    """
    operation = f"drill {scenario.name}"
    script = break_script(
        drill.cluster,
        drill.lock,
        look.fingerprint,
        f"drill {scenario.breaks} {drill.lasts(scenario)}",
        drill.desired[session.node].facts.interface,
    )

    def hear(message: Message) -> None:
        watched.hear(session.node, message)
        if message.kind in TOLD:
            drill.progress.node(session.node, f"{scenario.name}: {message.kind}")

    reply = session.run(
        script, operation=operation, on_message=hear, seconds=drill.lasts(scenario) + CHANGE_SECONDS
    )
    refuse(reply, session.node, operation)
    if reply.all("failed"):
        raise HadeployError(
            "not all of it could be done",
            node=session.node,
            operation=operation,
            detail=reply.output or None,
            hint="`hadeploy up` puts right what is not as it should be",
        )
    drill.progress.node(session.node, f"{scenario.name}: mended", "ok")


def break_script(cluster: Cluster, lock: Lock, fingerprint: str, line: str, interface: str) -> str:
    """Breaks something, and mends it. Pure."""
    return lock.changing(cluster, fingerprint, ["drill.sh"], [line], HD_INTERFACE=interface)


def mend_script(cluster: Cluster) -> str:
    """Ends the waiting of `break_script`. Pure."""
    variables = {"HD_CLUSTER": cluster.name}
    return compose("drill_mark.sh", variables=variables, main='rm -f "$drill_mark"\nemit end')


def _mend(drill: Drill, session: Session, seconds: int) -> None:
    script = mend_script(drill.cluster)
    try:
        session.run(script, operation="mending")
    except HadeployError as error:
        error.hint = f"the node mends itself within {seconds} s; `hadeploy verify` tells whether"
        raise


def _wait(drill: Drill, broken: list[Future[None]], happened: Callable[[], bool]) -> None:
    """Until the VIP has moved, or could have, and for a while longer.

    Args:
        drill: for how long to wait.
        broken: ends early where something could not be broken.
        happened: whether it has.
    """
    deadline = time.monotonic() + drill.patience
    seen: float | None = None
    while time.monotonic() < deadline and not drill.interrupt.asked:
        if any(future.done() and future.exception() for future in broken):
            return
        if seen is None and happened():
            seen = time.monotonic()
        if seen is not None and time.monotonic() >= seen + drill.hold:
            return
        drill.progress.waiting("the VIP to move" if seen is None else "what happens")
        time.sleep(POLL_SECONDS)


def _wait_for_marks(
    drill: Drill, victims: Sequence[str], broken: Sequence[Future[None]], watched: Watched
) -> None:
    """Until a word to mend finds a mark to take away, or nothing is broken any more.

    Args:
        drill: for how long to wait at most.
        victims: where something is broken.
        broken: the same, in that order.
        watched: tells who has put its mark there.
    """
    deadline = time.monotonic() + drill.patience
    while time.monotonic() < deadline:
        marked = {event.node for event in watched.events() if event.kind == "breaking"}
        waits = zip(victims, broken, strict=True)
        if all(node in marked or future.done() for node, future in waits):
            return
        time.sleep(POLL_SECONDS)


def _go_home(drill: Drill, watched: Watched, roles: Roles) -> None:
    """Until the VIP is where it goes back to, so that it does not do that in the next round."""
    deadline = time.monotonic() + drill.patience + drill.cluster.vrrp.preempt_delay
    while roles.home and time.monotonic() < deadline and not drill.interrupt.asked:
        bound = [event.node for event in watched.events() if event.kind == "bound"]
        if [roles.holder, *bound][-1] == roles.home:
            return
        drill.progress.waiting(f"the VIP to go back to {roles.home}")
        time.sleep(POLL_SECONDS)


def _happened(watched: Watched, scenario: Scenario, roles: Roles) -> bool:
    events = watched.events()
    if roles.holder not in roles.victims:
        return [event.kind for event in events].count("broken") == len(roles.victims)
    began = next((event.at for event in events if event.kind == "breaking"), math.inf)
    bound = {event.node for event in events if event.kind == "bound" and event.at >= began}
    # A victim may have it for a moment, until it fails, too.
    return bool(bound.difference(roles.victims) if scenario.lasting else bound)


def _finish(broken: list[Future[None]]) -> None:
    """Wait until every node is mended.

    Raises:
        NodesError: with every node where something went wrong.
    """
    errors = []
    for future in broken:
        try:
            result_of(future)
        except HadeployError as error:
            errors.append(error)
    if errors:
        raise NodesError(errors)
