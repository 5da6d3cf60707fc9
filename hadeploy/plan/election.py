"""The node that keepalived elects, and whether it reaches the holder's backends. Pure.

RFC 3768, 6.4: the node with the highest priority becomes master. With `nopreempt`
(keepalived.conf(5)), it does so only if there is no master.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass

from hadeploy.desired import layout
from hadeploy.desired.desired_node import DesiredNode
from hadeploy.errors import HadeployError
from hadeploy.inventory.cluster import Cluster, backends_of
from hadeploy.inventory.priorities import check_weight
from hadeploy.observe.observed_node import BackendServer, ObservedNode
from hadeploy.plan.backends import SUFFIX
from hadeploy.plan.order import holders
from hadeploy.plan.resolution import resolution_advice, unresolved
from hadeploy.plan.takeover_candidates import could_hold, unreached

MOST_BACKENDS = 6
_NOPREEMPT = re.compile(r"^\s*nopreempt\b", re.MULTILINE)


@dataclass(frozen=True)
class Competitor:
    """A node that takes part in the election.

    Attributes:
        priority: the effective priority, with the weight of its check.
        preempts: whether it takes the VIP from a master with a lower priority.
    """

    priority: int
    preempts: bool


@dataclass(frozen=True)
class TakeoverProblem:
    """Why the VIP must not move.

    Attributes:
        message: one sentence.
        hint: what to do.
        detail: the unreachable backends, with the results of their checks.
    """

    message: str
    hint: str
    detail: tuple[str, ...] = ()

    def error(self, operation: str, node: str | None = None) -> HadeployError:
        """The error for an operation that would move the VIP."""
        return HadeployError(
            self.message,
            node=node,
            operation=operation,
            detail="\n".join(self.detail) or None,
            hint=self.hint,
        )


def elected(competitors: Mapping[str, Competitor], holder: str | None) -> str | None:
    """The node that has the VIP after an election; None if no node takes part.

    Args:
        competitors: the nodes that take part, by label.
        holder: the current master; if it does not take part, it has given up the VIP.
    """
    master = competitors.get(holder or "")
    if master is None:
        return max(competitors, key=lambda node: competitors[node].priority, default=None)
    above = [n for n, c in competitors.items() if c.preempts and c.priority > master.priority]
    return max(above, key=lambda node: competitors[node].priority, default=holder)


def unfit_winner(
    cluster: Cluster, observed: Mapping[str, ObservedNode], winner: str, holder: str
) -> TakeoverProblem | None:
    """Why a node must not win the VIP: it cannot be found on the network, or does not reach all
    backends that the holder reaches.

    Args:
        cluster: the inventory to apply; other backends are not needed.
        observed: by node label.
        winner: the node that would get the VIP.
        holder: the node that has it.
    """
    state = observed[winner]
    if problem := _unresolved(cluster, observed, winner):
        return problem
    missing = [n for n in unreached(state, observed.get(holder)) if _needed(cluster, state, n)]
    if not missing:
        return None
    more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
    return TakeoverProblem(
        f"{winner} would take over the VIP but does not reach backends that {holder} reaches "
        f"({missing[0]}{more})",
        f"check firewalls and routes between {winner} and the backends, or keep the VIP off it "
        f"(`hadeploy drain {winner}`); then run the same command again",
        tuple(_reason(state, name) for name in missing[:MOST_BACKENDS]),
    )


def _unresolved(
    cluster: Cluster, observed: Mapping[str, ObservedNode], winner: str
) -> TakeoverProblem | None:
    address = next((str(n.address) for n in cluster.nodes if n.label == winner), "")
    askers = unresolved(cluster, observed, address, winner) if address else []
    if not askers:
        return None
    kind = "neighbour discovery" if ":" in address else "ARP"
    return TakeoverProblem(
        f"{winner} would take over the VIP but does not answer {kind}: {' and '.join(askers)} "
        f"cannot resolve {address}",
        f"on {winner}, check {resolution_advice(address)}",
    )


def _needed(cluster: Cluster, state: ObservedNode, name: str) -> bool:
    """Whether the inventory still has that server, at the unreachable address."""
    section, _, server = name.partition("/")
    listener = next((i for i in cluster.listeners if f"{i.name}{SUFFIX}" == section), None)
    found = _server(state, name)
    if listener is None or found is None or not found.address:
        return True
    host, _, port = found.address.rpartition(":")
    return (server, host.strip("[]"), port) in {
        (name, str(address), str(number))
        for name, address, number in backends_of(cluster, listener)
    }


def _server(state: ObservedNode, name: str) -> BackendServer | None:
    return next((s for s in state.backends if f"{s.listener}/{s.name}" == name), None)


def _reason(state: ObservedNode, name: str) -> str:
    server = _server(state, name)
    if server is None:
        return f"{state.node} reaches no server of {name}"
    outcome = server.outcome or server.status
    return f"{name} at {server.address}: {outcome}" if server.address else f"{name}: {outcome}"


def takeover_problem(
    cluster: Cluster, observed: Mapping[str, ObservedNode], leaving: str
) -> TakeoverProblem | None:
    """Why the VIP must not be handed over now; None if it may be.

    Args:
        observed: by node label.
        leaving: the node that would give it up.
    """
    others = {n: c for n, c in competitors_of(cluster, observed).items() if n != leaving}
    winner = elected(others, None)
    if winner is None:
        return TakeoverProblem(
            "no healthy node could take over the VIP",
            "run `hadeploy verify` to find the problems of the other nodes, or `hadeploy undrain "
            "NODE` if they are drained",
        )
    problem = unfit_winner(cluster, observed, winner, leaving)
    if problem is None and leaving in observed and observed[leaving].foreign:
        # The backends that a foreign haproxy reaches are unknown; compare with the other nodes.
        found = (unfit_winner(cluster, observed, winner, other) for other in others)
        problem = next(filter(None, found), None)
    return problem


def return_problem(
    cluster: Cluster, observed: Mapping[str, ObservedNode], node: str
) -> TakeoverProblem | None:
    """Why a node must not take part in the election again; None if it may.

    Args:
        observed: by node label.
        node: the drained node.
    """
    holder = holder_of(cluster, observed)
    if holder is None:
        return None
    competitors = competitors_of(cluster, observed)
    if (now := competitor_now(observed[node])) is not None:
        competitors[node] = now
    winner = elected(competitors, holder)
    problem = None
    if winner not in (None, holder):
        problem = unfit_winner(cluster, observed, winner, holder)
    if problem and winner == node:
        hint = f"{node} stays drained; check firewalls and routes, then undrain it"
        return dataclasses.replace(problem, hint=hint)
    return problem


def holder_of(cluster: Cluster, observed: Mapping[str, ObservedNode]) -> str | None:
    """The one node that has the VIP, if its keepalived answers.

    Args:
        observed: by node label.
    """
    holding = holders([str(vip.ip) for vip in cluster.vip], observed.values())
    return holding[0] if len(holding) == 1 and observed[holding[0]].vrrp else None


def competitors_of(cluster: Cluster, observed: Mapping[str, ObservedNode]) -> dict[str, Competitor]:
    """The nodes that take part in the election now, by label.

    Args:
        observed: by node label.
    """
    return {
        node: now
        for node, state in observed.items()
        if could_hold(cluster, state) and (now := competitor_now(state))
    }


def competitor_now(state: ObservedNode) -> Competitor | None:
    """A node in the election, regardless of a drain; None if keepalived does not answer."""
    if state.vrrp is None:
        return None
    file = state.file(layout.KEEPALIVED_CONF)
    text = file.content.decode("utf-8", "replace") if file else ""
    priority = max(state.vrrp.effective_priority, state.vrrp.priority)
    return Competitor(priority, preempts=not _NOPREEMPT.search(text))


def competitor_then(cluster: Cluster, desired: DesiredNode) -> Competitor:
    """A node in the election after its keepalived has loaded its new file.

    Args:
        cluster: the inventory to apply.
        desired: of the node.
    """
    weight = check_weight(cluster) if cluster.vrrp.on_check_failure == "weight" else 0
    text = desired.file(layout.KEEPALIVED_CONF).content
    return Competitor(desired.priority + weight, preempts=not _NOPREEMPT.search(text))
