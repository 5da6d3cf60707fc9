"""Whether a client that comes through the VIP reaches a backend. Pure."""

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
GONE = "do the API servers run there? `hadeploy verify` says why a check fails"
UNEVEN = "can that node connect to the backends? look for firewall rules and routes there"


class Supply(Enum):
    """How well a listener is supplied with backends."""

    FULL = "all backends are up"
    PARTIAL = "some backends are down"
    UNEVEN = "a node reaches none of the backends that others reach"
    NOT_YET = "no backend has ever been up"
    LOST = "no backend is up any more"


@dataclass(frozen=True)
class ListenerSupply:
    """A listener's backends as the nodes see them.

    Attributes:
        listener: its name.
        node: the node that the state is told of: the one that sees the fewest.
        up: how many backends are up there.
        total: how many there are.
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
        """For people, one sentence."""
        if self.supply is Supply.FULL:
            return f"{self.total} of {self.total} backends are up"
        return f"{self.up} of {self.total} backends are up, as {self.node} sees them"

    @property
    def named(self) -> str:
        """Which are down, to be put behind the message; nothing where that is expected."""
        if self.supply is Supply.NOT_YET or not self.down:
            return ""
        more = len(self.down) - MOST_NAMED
        named = [*self.down[:MOST_NAMED], *([f"{more} more"] if more > 0 else [])]
        return f"; down: {', '.join(named)}"


def listener_supplies(
    cluster: Cluster, observed: Mapping[str, ObservedNode]
) -> Iterator[ListenerSupply]:
    """The state of every listener of which some haproxy tells.

    The VIP's holder decides whether clients are served; where none is known, every node does.

    Args:
        cluster: the inventory.
        observed: by node label.
    """
    holding = holders([str(vip.ip) for vip in cluster.vip], observed.values())
    for listener in cluster.listeners:
        name = listener.name
        seen = {n: servers for n, look in observed.items() if (servers := _checked(look, name))}
        if not seen:
            continue
        up = {node: sum(server.up for server in servers) for node, servers in seen.items()}
        serving = [node for node in holding if node in seen] or list(seen)
        if not any(up[node] for node in serving):
            once = any(once_served(look, name) for look in observed.values())
            supply, node = (Supply.LOST if once else Supply.NOT_YET), serving[0]
        else:
            node = max(seen, key=lambda n: len(seen[n]) - up[n])
            supply = Supply.FULL if up[node] == len(seen[node]) else Supply.PARTIAL
            # A node that an operator keeps off the VIP serves no client.
            useless = [
                n for n in seen if not (up[n] or layout.OPERATOR_DRAIN in drains(observed[n]))
            ]
            if useless:
                supply, node = Supply.UNEVEN, useless[0]
        down = tuple(named_server(server) for server in seen[node] if not server.up)
        yield ListenerSupply(name, supply, node, up[node], len(seen[node]), down)


def named_server(server: BackendServer) -> str:
    """A server with its address and the result of its check, for one line.

    Args:
        server: as haproxy sees it.
    """
    where = f"{server.name} at {server.address}" if server.address else server.name
    return f"{where} ({server.outcome or server.status})"


def _checked(look: ObservedNode, listener: str) -> list[BackendServer]:
    """The servers that haproxy checks; it sends connections to the others in any case."""
    return [
        server
        for server in look.backends
        if server.listener == f"{listener}{SUFFIX}" and server.status != "no check"
    ]


def once_served(look: ObservedNode, listener: str) -> bool:
    """Whether a node knows that a backend of a listener was up at some time.

    It was when the configuration was applied, or a client got an answer since haproxy was started,
    or haproxy's log says so.

    Args:
        look: the node.
        listener: its name.
    """
    servers = [s for s in look.backends if s.listener == f"{listener}{SUFFIX}"]
    return (
        listener in recorded_listeners(look)
        or listener in look.once_up
        or any(server.up or server.answered for server in servers)
    )


def backend_proofs(cluster: Cluster, observed: Mapping[str, ObservedNode]) -> Iterator[Proof]:
    """One proof for each listener; at first bring-up no API server runs yet.

    Args:
        cluster: the inventory.
        observed: by node label.
    """
    found = list(listener_supplies(cluster, observed))
    if not found:
        yield Proof(BACKENDS, "warn", "no haproxy tells of its backends")
    several = len(cluster.listeners) > 1
    for one in found:
        message = f"{one.listener}: {one.message}" if several else one.message
        if one.supply is Supply.FULL:
            yield Proof(BACKENDS, "pass", message)
        elif one.supply is Supply.NOT_YET:
            yield Proof(BACKENDS, "warn", message, hint=FIRST_TIME)
        elif one.supply is Supply.PARTIAL:
            yield Proof(BACKENDS, "warn", message + one.named, hint=GONE)
        elif one.supply is Supply.UNEVEN:
            yield Proof(BACKENDS, "fail", message + one.named, hint=UNEVEN)
        else:
            told = f"{message}; clients get no answer{one.named}"
            yield Proof(BACKENDS, "fail", told, hint=GONE)
