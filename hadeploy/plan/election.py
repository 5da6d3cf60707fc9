"""Which node keepalived elects, and whether that node reaches the holder's backends. Pure.

RFC 3768, 6.4: the node with the highest priority becomes master. With `nopreempt`
(keepalived.conf(5)) it does so only when the present master is gone.
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
from hadeploy.plan.resolution import look_for, unresolved
from hadeploy.plan.takeover_candidates import could_hold, unreached

MOST_BACKENDS = 6
_NOPREEMPT = re.compile(r"^\s*nopreempt\b", re.MULTILINE)


@dataclass(frozen=True)
class Competitor:
    """A node that takes part in the election.

    Attributes:
        priority: the effective one, with the weight of its check.
        preempts: whether it takes the VIP from a master of lower priority.
    """

    priority: int
    preempts: bool


@dataclass(frozen=True)
class TakeoverProblem:
    """Why the VIP must not move.

    Attributes:
        message: one sentence.
        hint: what to do.
        detail: the backends that are not reached, with the results of their checks.
    """

    message: str
    hint: str
    detail: tuple[str, ...] = ()

    def error(self, operation: str, node: str | None = None) -> HadeployError:
        """The error that refuses what would move the VIP."""
        return HadeployError(
            self.message,
            node=node,
            operation=operation,
            detail="\n".join(self.detail) or None,
            hint=self.hint,
        )


def elected(competitors: Mapping[str, Competitor], holder: str | None) -> str | None:
    """The node that has the VIP after an election.

    Args:
        competitors: the nodes that take part, by label.
        holder: the master until now; one that does not take part has given the VIP up.

    Returns:
        None where no node takes part.
    """
    master = competitors.get(holder or "")
    if master is None:
        return max(competitors, key=lambda node: competitors[node].priority, default=None)
    above = [n for n, c in competitors.items() if c.preempts and c.priority > master.priority]
    return max(above, key=lambda node: competitors[node].priority, default=holder)


def unfit_winner(
    cluster: Cluster, observed: Mapping[str, ObservedNode], winner: str, holder: str
) -> TakeoverProblem | None:
    """The questions of each move of the VIP: is the winner found on the network, and does it reach
    what the holder reaches?

    Args:
        cluster: the inventory that is applied; a backend that it does not have is not needed.
        observed: by node label.
        winner: the node that would have the VIP.
        holder: the node that has it.
    """
    look = observed[winner]
    if problem := _unresolved(cluster, observed, winner):
        return problem
    missing = [n for n in unreached(look, observed.get(holder)) if _needed(cluster, look, n)]
    if not missing:
        return None
    more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
    return TakeoverProblem(
        f"{winner} would take the VIP over and does not reach backends that {holder} reaches "
        f"({missing[0]}{more})",
        f"`hadeploy drain {winner}` keeps the VIP off it; or make it reach them (firewall? "
        "routes?), and run the same command again",
        tuple(_reason(look, name) for name in missing[:MOST_BACKENDS]),
    )


def _unresolved(
    cluster: Cluster, observed: Mapping[str, ObservedNode], winner: str
) -> TakeoverProblem | None:
    address = next((str(n.address) for n in cluster.nodes if n.label == winner), "")
    asked = unresolved(cluster, observed, address, winner) if address else []
    if not asked:
        return None
    kind = "neighbour discovery" if ":" in address else "ARP"
    return TakeoverProblem(
        f"{winner} would take the VIP over and does not answer {kind}: {' and '.join(asked)} asked "
        f"for {address}",
        f"on {winner}: {look_for(address)}",
    )


def _needed(cluster: Cluster, look: ObservedNode, name: str) -> bool:
    """Whether the inventory still has that server, at the address that the node does not reach."""
    section, _, server = name.partition("/")
    listener = next((i for i in cluster.listeners if f"{i.name}{SUFFIX}" == section), None)
    seen = _server(look, name)
    if listener is None or seen is None or not seen.address:
        return True
    host, _, port = seen.address.rpartition(":")
    return (server, host.strip("[]"), port) in {
        (name, str(address), str(number))
        for name, address, number in backends_of(cluster, listener)
    }


def _server(look: ObservedNode, name: str) -> BackendServer | None:
    return next((s for s in look.backends if f"{s.listener}/{s.name}" == name), None)


def _reason(look: ObservedNode, name: str) -> str:
    server = _server(look, name)
    if server is None:
        return f"{name} has no server that {look.node} reaches"
    outcome = server.outcome or server.status
    return f"{name} at {server.address}: {outcome}" if server.address else f"{name}: {outcome}"


def takeover_problem(
    cluster: Cluster, observed: Mapping[str, ObservedNode], leaving: str
) -> TakeoverProblem | None:
    """Why the VIP must not be handed over now; None if it may be.

    Args:
        cluster: the inventory.
        observed: by node label.
        leaving: the node that is to give it up.
    """
    others = {n: c for n, c in competitors_of(cluster, observed).items() if n != leaving}
    winner = elected(others, None)
    if winner is None:
        return TakeoverProblem(
            "no healthy node could take the VIP over",
            "`hadeploy verify` tells what is wrong with the others; are they drained "
            "(`hadeploy undrain NODE`)?",
        )
    problem = unfit_winner(cluster, observed, winner, leaving)
    if problem is None and leaving in observed and observed[leaving].foreign:
        # What a haproxy set up by hand reaches is not known; what the other nodes reach is.
        found = (unfit_winner(cluster, observed, winner, other) for other in others)
        problem = next(filter(None, found), None)
    return problem


def return_problem(
    cluster: Cluster, observed: Mapping[str, ObservedNode], node: str
) -> TakeoverProblem | None:
    """Why a node must not take part in the election again; None if it may.

    Args:
        cluster: the inventory.
        observed: by node label.
        node: its drain would end.
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
        hint = f"{node} stays drained; make it reach them (firewall? routes?), and undrain it then"
        return dataclasses.replace(problem, hint=hint)
    return problem


def holder_of(cluster: Cluster, observed: Mapping[str, ObservedNode]) -> str | None:
    """The one node that has the VIP, if its keepalived answers.

    Args:
        cluster: the inventory.
        observed: by node label.
    """
    holding = holders([str(vip.ip) for vip in cluster.vip], observed.values())
    return holding[0] if len(holding) == 1 and observed[holding[0]].vrrp else None


def competitors_of(cluster: Cluster, observed: Mapping[str, ObservedNode]) -> dict[str, Competitor]:
    """The nodes that take part in the election now, by label.

    Args:
        cluster: the inventory.
        observed: by node label.
    """
    return {
        node: now
        for node, look in observed.items()
        if could_hold(cluster, look) and (now := competitor_now(look))
    }


def competitor_now(look: ObservedNode) -> Competitor | None:
    """What a node competes with, or would without its drain; None if keepalived does not answer.

    Args:
        look: the node.
    """
    if look.vrrp is None:
        return None
    file = look.file(layout.KEEPALIVED_CONF)
    text = file.content.decode("utf-8", "replace") if file else ""
    priority = max(look.vrrp.effective_priority, look.vrrp.priority)
    return Competitor(priority, preempts=not _NOPREEMPT.search(text))


def competitor_then(cluster: Cluster, desired: DesiredNode) -> Competitor:
    """What a node competes with once its keepalived has read its new file.

    Args:
        cluster: the inventory that is applied.
        desired: what the node should have.
    """
    weight = check_weight(cluster) if cluster.vrrp.on_check_failure == "weight" else 0
    text = desired.file(layout.KEEPALIVED_CONF).content
    return Competitor(desired.priority + weight, preempts=not _NOPREEMPT.search(text))
