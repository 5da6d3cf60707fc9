"""Ports of a haproxy set up by hand that no listener of the inventory has. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hadeploy.adopt.difference import NO_KEY, Difference, different
from hadeploy.config_files.haproxy_listener import Served
from hadeploy.config_files.haproxy_servers import Server, place
from hadeploy.config_files.haproxy_values import duration, whole
from hadeploy.inventory.cluster import Cluster

_TIMEOUTS = ("connect", "client", "server")
_MOST_NAMED = 8


@dataclass(frozen=True)
class LostPorts:
    """Ports that go away when a node is taken over.

    Attributes:
        what: serves them, in words.
        ports: of the node.
        name: for the listener that may replace it.
        only: the addresses that they are on; "" where clients of the VIP reach them.
    """

    what: str
    ports: Sequence[int]
    name: str = ""
    only: str = ""

    @property
    def sentence(self) -> str:
        """What goes, and for whom."""
        several = len(self.ports) > 1
        some = ", ".join(map(str, self.ports[:_MOST_NAMED]))
        some += ", ..." if len(self.ports) > _MOST_NAMED else ""
        on = f"port{'s' if several else ''} {some}" if self.ports else "no port"
        whose = f", on {self.only} only" if self.only else ", and its clients are refused"
        return f"{self.what}: {on} {'go' if several else 'goes'}{whose}"


def lost_ports(
    cluster: Cluster,
    lost: LostPorts,
    servers: Sequence[Server],
    names: Mapping[str, str],
    values: Mapping[str, Any],
) -> Difference:
    """That ports of theirs are none of ours; one with servers can become a listener.

    Args:
        lost: the ports.
        servers: behind them; none where a listener cannot replace it.
        names: host name → the address that it has on the node.
        values: for the listener that may replace it (see `listener_settings`).
    """
    port = lost.ports[0] if lost.ports else 0
    backends = [place(server.at, names, port) for server in servers] if port else []
    # A listener is on every address, and has one port.
    if not backends or "" in backends or len(lost.ports) > 1 or lost.only:
        return Difference(lost.sentence)
    others = [{"port": listener.port} for listener in cluster.listeners]
    candidates = (
        {"port": port, "backends": backends, "name": name, **settings}
        for settings in (values, {k: v for k, v in values.items() if k != "maxconn"}, {})
        for name in (lost.name, f"port-{port}")
        if name
    )
    keeps = ({"listeners": [*others, one]} for one in candidates)
    return different(cluster, lost.sentence, *keeps, why=NO_KEY)


def listener_settings(served: Served) -> dict[str, Any]:
    """What a frontend and its backend say that a listener of an inventory can say, too."""
    effective = served.effective()
    timeouts = {
        line.words[1]: duration(line.words[2])
        for lines in effective.values()
        for line in lines
        if line.keyword == "timeout" and len(line.words) > 2 and line.words[1] in _TIMEOUTS
    }
    maxconn = served.configuration.value(served.front, "maxconn")
    balance = served.configuration.value(served.back, "balance") if served.back else ""
    found: dict[str, Any] = {"balance": balance or "roundrobin"}
    if whole(maxconn):
        found["maxconn"] = whole(maxconn)
    check = served.configuration.value(served.back, "timeout", "check") if served.back else ""
    if check:
        found["check"] = {"timeout": duration(check)}
    return found | ({"timeouts": timeouts} if timeouts else {})
