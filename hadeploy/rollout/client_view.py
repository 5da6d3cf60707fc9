"""During a rollout: what the first changed node answers clients on this machine.

The nodes ask from their own addresses. A rule that accepts those and refuses clients is only seen
from outside.
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
MOST_ASKED = 5
MOST_TRIES = 3
UNKNOWN_COUNT = 3
POLL_SECONDS = 0.2


@dataclass(frozen=True)
class PortAnswers:
    """What a node answered on one of its ports before its turn.

    Attributes:
        port: the port that has to answer so after it.
        former: the port that was asked.
        answers: of all connections that were opened.
    """

    port: int
    former: int
    answers: frozenset[Answer]


class ClientView:
    """Asks each listener on a node's own address, before its turn and after it.

    That is done for one node: for the first that answers this machine before its turn. Where this
    machine does not reach the ports of a node, or reaches the nodes over other hosts or addresses,
    nothing is asked.

    Args:
        cluster: the inventory.
        observed: the nodes before the rollout, by label.
        asks: whether this machine is to be served at all.
    """

    def __init__(
        self, cluster: Cluster, observed: Mapping[str, ObservedNode], *, asks: bool = True
    ) -> None:
        self._cluster = cluster
        self._observed = observed
        self._over = elsewhere(cluster) or not asks

    def before(self, turn: NodePlan, expected: Sequence[ExpectedBackend]) -> list[PortAnswers]:
        """What the node of a turn answers now; nothing if it is not to be asked after it.

        Args:
            turn: its steps.
            expected: what has to serve after it.
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
        """The ports that do not answer as before, with what they answer now.

        Args:
            node: the node after its turn, which asked its own ports already.
            before: what was answered before.
            unchanged: nodes that have not had their turns. A port that answers like that there,
                too, is the backends' affair.
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
        """An answer that is not as before, if after some tries there is no other.

        One server that does not answer is no matter of where the client is. Where nothing is said
        a server may have died, which haproxy notices by its checks.
        """
        deadline = time.monotonic() + check_seconds(self._cluster)
        tries = 0
        while True:
            answers = self._ask(node, before.port)
            if any(as_before(answer, before.answers) for answer in answers):
                return None
            tries += 1
            silent = Answer("silent") in answers
            if tries >= MOST_TRIES and (not silent or time.monotonic() >= deadline):
                return min(answers, key=lambda answer: answer.word)
            time.sleep(POLL_SECONDS)

    def _ask(self, node: str, port: int) -> set[Answer]:
        """All answers of several connections at once, so that each server has its turn."""
        address = str(self._cluster.node(node).address)
        times = _times(self._observed[node])
        with ThreadPoolExecutor(times) as pool:
            return set(pool.map(lambda _: answer_of(address, port), range(times)))


def _ports(expected: Sequence[ExpectedBackend]) -> dict[int, int]:
    """The ports to ask after a turn, with those to ask before it."""
    return {
        int(one.after[1:]): int(one.before[1:])
        for one in expected
        if one.after.startswith(":") and one.before.startswith(":")
    }


def _times(look: ObservedNode) -> int:
    """How many connections it takes to reach each server of a listener."""
    up: dict[str, int] = {}
    for server in look.backends:
        up[server.listener] = up.get(server.listener, 0) + server.up
    return min(max(up.values(), default=UNKNOWN_COUNT) or 1, MOST_ASKED)
