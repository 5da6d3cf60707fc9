"""Ports of a haproxy that was set up by hand, without a listener in the inventory. Pure."""

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
    """Ports that a takeover removes.

    Attributes:
        what: the section or line that serves them.
        ports: the ports on the node.
        name: the name of a listener that may replace it.
        only: the addresses of the ports; "" if they are reachable through the VIP.
    """

    what: str
    ports: Sequence[int]
    name: str = ""
    only: str = ""

    @property
    def sentence(self) -> str:
        """The ports and the clients that lose them."""
        several = len(self.ports) > 1
        some = ", ".join(map(str, self.ports[:_MOST_NAMED]))
        some += ", ..." if len(self.ports) > _MOST_NAMED else ""
        on = f"port{'s' if several else ''} {some}" if self.ports else "no port"
        whose = f", on {self.only} only" if self.only else "; clients are refused"
        return f"{self.what}: {on} {'are' if several else 'is'} removed{whose}"


def lost_ports(
    cluster: Cluster,
    lost: LostPorts,
    servers: Sequence[Server],
    names: Mapping[str, str],
    values: Mapping[str, Any],
) -> Difference:
    """The difference for lost ports; one with servers can become a listener.

    Args:
        lost: the ports.
        servers: their servers; empty if a listener cannot replace them.
        names: host name → its address on the node.
        values: settings of the listener that may replace it (see `listener_settings`).
    """
    port = lost.ports[0] if lost.ports else 0
    backends = [place(server.at, names, port) for server in servers] if port else []
    # A listener uses every address and one port.
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
    """The settings of a frontend and its backend that a listener of the inventory supports."""
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
