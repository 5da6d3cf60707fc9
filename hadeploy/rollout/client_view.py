"""During a rollout: asks the first changed node as a client on this machine.

The nodes ask from their own addresses. A rule that accepts these and refuses clients is only
visible from outside.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from hadeploy.answers.answer import Answer, as_before
from hadeploy.answers.ask import answer_of
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.backends import ExpectedBackend, check_seconds
from hadeploy.plan.steps import NodePlan
from hadeploy.rollout.lost_backends import LostBackend
from hadeploy.rollout.scripts import touches_haproxy
from hadeploy.verify.from_here import elsewhere

# As tasks/apply/backends.sh has them.
MAX_ASKED = 5
MAX_TRIES = 3
UNKNOWN_COUNT = 3
POLL_SECONDS = 0.2


@dataclass(frozen=True)
class PortAnswers:
    """The answers of a node on one port before its turn.

    Attributes:
        port: the port that must give these answers after the turn.
        former: the port before the turn.
        answers: the answers of all connections.
    """

    port: int
    former: int
    answers: frozenset[Answer]


class ClientView:
    """Asks each listener on a node's own address, before its turn and after it.

    It asks only one node: the first that answers this machine before its turn. If this machine does
    not reach the ports of a node, or reaches the nodes through other hosts or addresses, it asks
    nothing.

    Args:
        cluster: the inventory.
        observed: the nodes before the rollout, by label.
        asks: whether this machine must be served.
    """

    def __init__(
        self, cluster: Cluster, observed: Mapping[str, ObservedNode], *, asks: bool = True
    ) -> None:
        self._cluster = cluster
        self._observed = observed
        self._over = elsewhere(cluster) or not asks

    def before(self, turn: NodePlan, expected: Sequence[ExpectedBackend]) -> list[PortAnswers]:
        """The answers before a turn; empty if the node will not be asked after it.

        Args:
            turn: the turn.
            expected: the backends and ports that must serve after it.
        """
        if self._over or not touches_haproxy(turn):
            return []
        found = []
        for port, former in _ports(expected).items():
            answers = self._ask(turn.node, former)
            if Answer("unreached") in answers:
                self._over = True
                return []
            if served := {a for a in answers if a.reached and not a.closed}:
                found.append(PortAnswers(port, former, frozenset(served)))
        self._over = bool(found)
        return found

    def lost(
        self, node: str, before: Sequence[PortAnswers], unchanged: Collection[str]
    ) -> list[LostBackend]:
        """The ports that do not answer as before, with their answers now.

        Args:
            node: the node after its turn; it has already asked its own ports.
            before: the answers before.
            unchanged: nodes before their turns. If a port gives the new answer there, too, the
                backends are the cause.
        """
        address = self._cluster.node(node).address
        found = []
        for one in before:
            answer = self._unlike(node, one)
            if answer is None or self._same_elsewhere(answer, one, unchanged):
                continue
            past = " or ".join(sorted(a.past for a in one.answers))
            words = ",".join(sorted(a.word for a in one.answers))
            found.append(
                LostBackend(
                    f":{one.port}@{address}={words}={answer.word}",
                    (
                        f"port {one.port} of {address}, asked from this machine, {past} before "
                        f"the change, and {answer.now} now",
                    ),
                )
            )
        return found

    def _same_elsewhere(
        self, answer: Answer, before: PortAnswers, unchanged: Collection[str]
    ) -> bool:
        return any(answer in self._ask(node, before.former) for node in unchanged)

    def _unlike(self, node: str, before: PortAnswers) -> Answer | None:
        """An answer that differs from those before, if several tries give no other.

        A single bad server does not depend on where the client is. If there is no answer, a server
        may have died, which haproxy detects by its checks.
        """
        deadline = time.monotonic() + check_seconds(self._cluster)
        tries = 0
        while True:
            answers = self._ask(node, before.port)
            if any(as_before(answer, before.answers) for answer in answers):
                return None
            tries += 1
            silent = Answer("silent") in answers
            if tries >= MAX_TRIES and (not silent or time.monotonic() >= deadline):
                return min(answers, key=lambda answer: answer.word)
            time.sleep(POLL_SECONDS)

    def _ask(self, node: str, port: int) -> set[Answer]:
        """The answers of several parallel connections, to reach each server."""
        address = str(self._cluster.node(node).address)
        times = _times(self._observed[node])
        with ThreadPoolExecutor(times) as pool:
            return set(pool.map(lambda _: answer_of(address, port), range(times)))


def _ports(expected: Sequence[ExpectedBackend]) -> dict[int, int]:
    """Port after a turn → port before it."""
    return {
        int(one.after[1:]): int(one.before[1:])
        for one in expected
        if one.after.startswith(":") and one.before.startswith(":")
    }


def _times(state: ObservedNode) -> int:
    """The number of connections that reach each server of a listener."""
    up: dict[str, int] = {}
    for server in state.backends:
        up[server.listener] = up.get(server.listener, 0) + server.up
    return min(max(up.values(), default=UNKNOWN_COUNT) or 1, MAX_ASKED)
