"""Whether clients of the VIP reach a backend. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from hadeploy.desired import layout
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.observed_node import BackendServer, ObservedNode
from hadeploy.plan.backends import SUFFIX
from hadeploy.plan.order import holders
from hadeploy.plan.recorded_answers import recorded_listeners
from hadeploy.plan.takeover_candidates import drains
from hadeploy.verify.proof import Proof

BACKENDS = "backends-up"
MOST_NAMED = 6
FIRST_TIME = "expected before `kubeadm init`"
GONE = "check that the API servers run; `hadeploy verify` shows why a check fails"
UNEVEN = "check the firewall and the routes between that node and the backends"


class Supply(Enum):
    """The state of the backends of a listener."""

    FULL = "all backends are up"
    PARTIAL = "some backends are down"
    UNEVEN = "a node reaches none of the backends that others reach"
    NOT_YET = "no backend has ever been up"
    LOST = "no backend is up any more"


@dataclass(frozen=True)
class ListenerSupply:
    """The backends of a listener, as reported by the node with the fewest that are up.

    Attributes:
        node: that node.
        up: the number of backends that are up on it.
        total: the number of all backends.
        down: the others, each with its address and the result of its check.
    """

    listener: str
    supply: Supply
    node: str
    up: int
    total: int
    down: tuple[str, ...] = ()

    @property
    def message(self) -> str:
        """A sentence."""
        if self.supply is Supply.FULL:
            return f"{self.total} of {self.total} backends are up"
        return f"{self.up} of {self.total} backends are up on {self.node}"

    @property
    def named(self) -> str:
        """The backends that are down, to append to the message; "" if that is expected."""
        if self.supply is Supply.NOT_YET or not self.down:
            return ""
        more = len(self.down) - MOST_NAMED
        named = [*self.down[:MOST_NAMED], *([f"{more} more"] if more > 0 else [])]
        return f"; down: {', '.join(named)}"


def listener_supplies(
    cluster: Cluster, observed: Mapping[str, ObservedNode]
) -> Iterator[ListenerSupply]:
    """The state of every listener with known backends.

    The holder decides whether clients are served; without a known holder, all nodes do.

    Args:
        observed: by node label.
    """
    holding = holders([str(vip.ip) for vip in cluster.vip], observed.values())
    for listener in cluster.listeners:
        name = listener.name
        seen = {n: servers for n, state in observed.items() if (servers := _checked(state, name))}
        if not seen:
            continue
        up = {node: sum(server.up for server in servers) for node, servers in seen.items()}
        serving = [node for node in holding if node in seen] or list(seen)
        if not any(up[node] for node in serving):
            once = any(once_served(state, name) for state in observed.values())
            supply, node = (Supply.LOST if once else Supply.NOT_YET), serving[0]
        else:
            node = max(seen, key=lambda n: len(seen[n]) - up[n])
            supply = Supply.FULL if up[node] == len(seen[node]) else Supply.PARTIAL
            # A drained node serves no clients.
            useless = [
                n for n in seen if not (up[n] or layout.OPERATOR_DRAIN in drains(observed[n]))
            ]
            if useless:
                supply, node = Supply.UNEVEN, useless[0]
        down = tuple(named_server(server) for server in seen[node] if not server.up)
        yield ListenerSupply(name, supply, node, up[node], len(seen[node]), down)


def named_server(server: BackendServer) -> str:
    """A server with its address and the result of its check, on one line."""
    where = f"{server.name} at {server.address}" if server.address else server.name
    return f"{where} ({server.outcome or server.status})"


def _checked(state: ObservedNode, listener: str) -> list[BackendServer]:
    """The servers that haproxy checks; it always sends connections to the others."""
    return [
        server
        for server in state.backends
        if server.listener == f"{listener}{SUFFIX}" and server.status != "no check"
    ]


def once_served(state: ObservedNode, listener: str) -> bool:
    """Whether a backend of a listener has ever been up, by the observed state of a node.

    The evidence is the record of the last change, an answer to a client since haproxy started, or
    haproxy's log.
    """
    servers = [s for s in state.backends if s.listener == f"{listener}{SUFFIX}"]
    return (
        listener in recorded_listeners(state)
        or listener in state.once_up
        or any(server.up or server.answered for server in servers)
    )


def backend_proofs(cluster: Cluster, observed: Mapping[str, ObservedNode]) -> Iterator[Proof]:
    """One proof for each listener; before `kubeadm init`, no backend is up.

    Args:
        observed: by node label.
    """
    found = list(listener_supplies(cluster, observed))
    if not found:
        yield Proof(BACKENDS, "warn", "no haproxy reports the state of its backends")
    several = len(cluster.listeners) > 1
    for state in found:
        message = f"{state.listener}: {state.message}" if several else state.message
        if state.supply is Supply.FULL:
            yield Proof(BACKENDS, "pass", message)
        elif state.supply is Supply.NOT_YET:
            yield Proof(BACKENDS, "warn", message, hint=FIRST_TIME)
        elif state.supply is Supply.PARTIAL:
            yield Proof(BACKENDS, "warn", message + state.named, hint=GONE)
        elif state.supply is Supply.UNEVEN:
            yield Proof(BACKENDS, "fail", message + state.named, hint=UNEVEN)
        else:
            message = f"{message}; clients get no answer{state.named}"
            yield Proof(BACKENDS, "fail", message, hint=GONE)
