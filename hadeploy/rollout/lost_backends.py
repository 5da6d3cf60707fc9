"""Backends that are down after a change, because of the change or for another reason."""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from hadeploy.answers.answer import PROOF_HERE, read_answer
from hadeploy.errors import HadeployError
from hadeploy.inventory.cluster import Cluster
from hadeploy.inventory.fields import milliseconds
from hadeploy.inventory.problems import printable
from hadeploy.observe.gather import LOOK_INTERVAL_SECONDS, try_observe
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.backends import ExpectedBackend, check_seconds, check_timeout_seconds
from hadeploy.progress import Progress
from hadeploy.remote.session import Session
from hadeploy.rollout.node_outcome import NodeFailedError, NodeOutcome
from hadeploy.scripts.protocol import Reply
from hadeploy.verify.answers import ON_PURPOSE

MAX_REASONS = 6

CORRECT = "correct the setting, or make the servers answer it; then run `hadeploy up` again"

Elsewhere = Literal["up", "failing", "down", "unknown"]


@dataclass(frozen=True)
class LostBackend:
    """A server, a backend or a port that does not serve after a change.

    Attributes:
        name: `BACKEND/SERVER`, `BACKEND/` for all its servers, or `:PORT@ADDRESS=BEFORE=NOW`, with
            answers as in lib/answer.sh.
        reasons: address and result of haproxy's last check, for each server.
    """

    name: str
    reasons: tuple[str, ...]


class BackendsLostError(NodeFailedError):
    """The haproxy of a node does not reach servers that it reached before the change.

    Args:
        lost: the servers, with reasons.
        outcome: of the node.
        node: its label.
    """

    def __init__(self, lost: Sequence[LostBackend], outcome: NodeOutcome, *, node: str) -> None:
        reasons = reasons_of(lost)
        super().__init__(
            _summary(lost, reasons),
            outcome,
            node=node,
            detail="\n".join(_shortened(reasons)),
            hint=CORRECT + (ON_PURPOSE if all(map(_not_tls, lost)) else ""),
        )
        self.lost = tuple(lost)

    def on(self, addresses: Collection[str]) -> bool:
        """Whether clients get another answer on one of these addresses."""
        asked = (one.name.partition("@")[2].partition("=")[0] for one in self.lost)
        return any(address in addresses for address in asked)


class UnfitForTakeoverError(BackendsLostError):
    """A node that is about to take the VIP does not reach servers that the holder reaches."""

    def __init__(self, lost: Sequence[LostBackend], outcome: NodeOutcome, *, node: str) -> None:
        super().__init__(lost, outcome, node=node)
        self.message = "it would take the VIP and does not reach backends that the holder reaches"
        self.hint = (
            f"`hadeploy drain {node}` keeps the VIP off it; or make it reach them (firewall? "
            "routes?), and run `hadeploy up` again"
        )


class ServiceLostError(BackendsLostError):
    """After the VIP moved to another node, clients did not get the same answers as before."""


class ClientRefusedError(BackendsLostError):
    """The node gives itself the same answers as before the change, but not this machine."""

    def __init__(self, lost: Sequence[LostBackend], outcome: NodeOutcome, *, node: str) -> None:
        super().__init__(lost, outcome, node=node)
        self.hint = (
            "correct the setting; or, if this machine need not be served: "
            f"`hadeploy up --skip {PROOF_HERE}`"
        )


class BackendsDiedError(HadeployError):
    """The backends went down on all nodes, so the change is not the cause."""


def lost_backends(reply: Reply) -> list[LostBackend]:
    """The backends that tasks/apply/backends.sh reports as down."""
    return [
        LostBackend(message.words[0], tuple(filter(None, map(_reason, message.text.splitlines()))))
        for message in reply.all("lost")
        if message.words
    ]


def _reason(line: str) -> str:
    """`BACKEND/SERVER down ADDRESS CHECK REASON`, for display."""
    name, _, rest = line.partition(" ")
    _, _, seen = rest.partition(" ")
    address, _, why = seen.partition(" ")
    return printable(f"{name} at {address}: {why}") if why else ""


def reasons_of(lost: Iterable[LostBackend]) -> list[str]:
    """The reasons of all servers, each once; for a port or backend without a server, its own."""
    found = [reason for backend in lost for reason in backend.reasons or (_nameless(backend.name),)]
    return list(dict.fromkeys(found))


def _summary(lost: Sequence[LostBackend], reasons: Sequence[str]) -> str:
    if all(backend.name.startswith(":") for backend in lost):
        return "clients do not get the same answers as before the change"
    are = (
        "backend that was up before the change is"
        if len(reasons) == 1
        else ("backends that were up before the change are")
    )
    return f"{len(reasons)} {are} down after it"


def _nameless(name: str) -> str:
    if name.startswith(":"):
        port, _, rest = name[1:].partition("@")
        address, before, now = (*rest.split("="), "", "")[:3]
        earlier = [answer.past for word in before.split(",") if (answer := read_answer(word))]
        later = read_answer(now)
        return printable(
            f"port {port} of {address} {' or '.join(earlier)} before the change, and "
            f"{later.now if later else 'does not'} now"
        )
    return f"{name.rstrip('/')} has no server that is up"


def _not_tls(lost: LostBackend) -> bool:
    """Whether it is a port that answered before, though not TLS."""
    return lost.name.startswith(":") and "tls" not in re.split("[=,]", lost.name)


def _shortened(reasons: list[str]) -> list[str]:
    more = len(reasons) - MAX_REASONS
    return reasons if more <= 0 else [*reasons[:MAX_REASONS], f"and {more} more"]


def state_elsewhere(
    lost: Iterable[LostBackend],
    expected: Iterable[ExpectedBackend],
    nodes: Iterable[ObservedNode],
) -> Elsewhere:
    """The state of the lost backends on other nodes. Pure.

    Returns:
        "up" if one of them is fully up, "failing" if its checks fail but it is not down yet,
        "unknown" without statistics.
    """
    before = {backend.after: backend.before for backend in expected}
    names = {name for b in lost for name in (b.name, before.get(b.name, "")) if name}
    states = {
        server.status
        for node in nodes
        for server in node.backends
        if {f"{server.listener}/{server.name}", f"{server.listener}/"} & names
    }
    # haproxy counts down in the status: "UP 2/3" after the first of three failed checks.
    if "UP" in states:
        return "up"
    if any(state.startswith("UP") for state in states):
        return "failing"
    return "down" if states else "unknown"


def failed_on_all_nodes(
    error: BackendsLostError,
    expected: Sequence[ExpectedBackend],
    cluster: Cluster,
    sessions: Mapping[str, Session],
    progress: Progress,
) -> bool:
    """Wait until the haproxies of the other nodes have checked the lost backends, too.

    If no other node has statistics, the node itself counts, which has its old configuration again.

    Args:
        error: the lost backends and their node.
        expected: the backends that were expected there.
        cluster: for the intervals of the checks.
        sessions: to all nodes.
        progress: receives the reason of the wait.

    Returns:
        Whether they are down on these nodes as well.
    """
    if any(backend.name.startswith(":") for backend in error.lost):
        return False
    others = {node: session for node, session in sessions.items() if node != error.node}
    itself = {n: s for n, s in sessions.items() if error.outcome is NodeOutcome.RESTORED}
    if isinstance(error, UnfitForTakeoverError):
        # Only other nodes count.
        itself = {}
    began = time.monotonic()
    interval = max(milliseconds(i.check.interval) / 1000 for i in cluster.listeners)
    most = check_seconds(cluster)
    enough = min(interval + check_timeout_seconds(cluster), most)
    while True:
        seen = state_elsewhere(error.lost, expected, _observable(cluster, others))
        if seen == "unknown":
            seen = state_elsewhere(error.lost, expected, _observable(cluster, itself))
        waited = time.monotonic() - began
        if seen == "down" or waited >= most or (seen == "up" and waited >= enough):
            return seen == "down"
        progress.waiting("the other nodes to check the same backends")
        time.sleep(LOOK_INTERVAL_SECONDS)


def _observable(cluster: Cluster, sessions: Mapping[str, Session]) -> Collection[ObservedNode]:
    """The nodes that can be observed; an error here must not hide why backends were lost."""
    observed, _ = try_observe(cluster, sessions) if sessions else ({}, [])
    return observed.values()
