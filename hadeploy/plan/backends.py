"""The backends that haproxy on a node must reach after a change. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hadeploy.inventory.cluster import Cluster, Listener, backends_of
from hadeploy.inventory.fields import milliseconds
from hadeploy.observe.applied import Applied
from hadeploy.observe.observed_node import BackendServer, ObservedNode
from hadeploy.plan.redacted_diff import shown

SUFFIX = "-backend"
# `max-spread-checks` limits how long haproxy spreads the first checks, whatever the interval.
LONGEST_FALL_SECONDS = 30
# For a check that needs its full timeout.
MARGIN_SECONDS = 2
LONGEST_VALUE = 60
# Names of sections and servers in haproxy, without characters that are special in a shell.
_SERVER = re.compile(r"[\w.:-]{1,100}", re.ASCII)


@dataclass(frozen=True)
class ExpectedBackend:
    """A server, any server of a backend, or a port that must serve after a change.

    Attributes:
        after: `BACKEND/SERVER` in the new configuration, `BACKEND/` for any of its servers, or
            `:PORT`, which must answer clients as before.
        before: the same in the running configuration; "" if it must serve in any case, or
            `!ANSWERS` if the node's own address must give one of these answers in any case.
    """

    after: str
    before: str = ""

    @property
    def word(self) -> str:
        """The format of tasks/apply/backends.sh."""
        return f"{self.after}={self.before}"


def expected_backends(
    cluster: Cluster,
    observed: Mapping[str, ObservedNode],
    node: str,
    adopted_ports: Sequence[int] = (),
) -> tuple[ExpectedBackend, ...]:
    """What must be up on a node after a reload or replacement of its haproxy.

    That is each server that is up now, by its name in the new configuration, and at least one
    server of each listener that serves now. A node without a running haproxy must serve what the
    other nodes serve, so that it cannot take over the VIP without a backend.

    Args:
        cluster: the inventory to apply.
        observed: all nodes, before the change.
        node: the label of the node that changes.
        adopted_ports: the ports of listeners that a haproxy to adopt serves on the node.
    """
    state = observed[node]
    if adopted_ports:
        return tuple(_of_adopted(cluster, adopted_ports))
    if not state.backends:
        others = [other for label, other in observed.items() if label != node]
        return tuple(dict.fromkeys(e for other in others for e in _of_others(cluster, other)))
    return tuple(dict.fromkeys(_of_node(cluster, state)))


def backends_of_holder(cluster: Cluster, holder: ObservedNode) -> tuple[ExpectedBackend, ...]:
    """What a node must reach before it may win the VIP: all backends that the holder reaches.

    Args:
        cluster: the inventory to apply.
        holder: the node that has the VIP, before the change.
    """
    found = _of_node(cluster, holder)
    names = dict.fromkeys(e.after for e in found if not e.after.startswith(":"))
    return tuple(ExpectedBackend(name) for name in names)


def _of_adopted(cluster: Cluster, ports: Sequence[int]) -> Iterator[ExpectedBackend]:
    for listener in cluster.listeners:
        if listener.port in ports:
            port = f":{listener.port}"
            yield ExpectedBackend(f"{listener.name}{SUFFIX}/", port)
            yield ExpectedBackend(port, port)


def _of_others(cluster: Cluster, other: ObservedNode) -> Iterator[ExpectedBackend]:
    for expected in _of_node(cluster, other):
        if expected.after.endswith("/"):
            yield ExpectedBackend(expected.after)
        elif expected.before.startswith(":"):
            port = int(expected.before[1:])
            given = {answer for (_, at), answer in other.vip_answers.items() if at == port}
            words = sorted(a.word for a in given if a.reached and not a.closed)
            if words:
                yield ExpectedBackend(expected.after, f"!{','.join(words)}")


def _of_node(cluster: Cluster, state: ObservedNode) -> Iterator[ExpectedBackend]:
    for server in state.backends:
        if not (
            server.up and _SERVER.fullmatch(server.name) and _SERVER.fullmatch(server.listener)
        ):
            continue
        before = f"{server.listener}/{server.name}"
        found = listener_of(cluster, state.applied, server.listener)
        if found is None:
            # A user's template may have other names of sections.
            yield ExpectedBackend(before, before)
            continue
        listener, port = found
        yield ExpectedBackend(f"{listener.name}{SUFFIX}/", f"{server.listener}/")
        name = _new_name(cluster, listener, server)
        if name is not None:
            yield ExpectedBackend(f"{listener.name}{SUFFIX}/{name}", before)
        yield ExpectedBackend(f":{listener.port}", f":{port}")


def listener_of(
    cluster: Cluster, record: Applied | None, backend: str
) -> tuple[Listener, int] | None:
    """The listener of a backend in the running configuration, and its current port.

    The listener has the same name, or the same port if it was renamed.
    """
    name = backend.removesuffix(SUFFIX)
    recorded = [i.get("port") for i in recorded_listeners(record) if i.get("name") == name]
    ports = [port for port in recorded if isinstance(port, int)]
    for listener in cluster.listeners:
        if listener.name == name:
            return listener, (ports or [listener.port])[0]
    return next(((i, i.port) for i in cluster.listeners if i.port in ports), None)


def _new_name(cluster: Cluster, listener: Listener, server: BackendServer) -> str | None:
    """A server's name in the new configuration; None if it was removed."""
    servers = backends_of(cluster, listener)
    if any(name == server.name for name, _, _ in servers):
        return server.name
    host = server.address.rpartition(":")[0].strip("[]")
    return next((name for name, address, _ in servers if str(address) == host), None)


def recorded_listeners(record: Applied | None) -> list[dict[str, Any]]:
    """The listeners in the inventory of a record, without invalid entries."""
    listeners = record.inventory.get("listeners") if record else None
    found = listeners if isinstance(listeners, list) else []
    return [listener for listener in found if isinstance(listener, dict)]


def check_seconds(cluster: Cluster) -> int:
    """The seconds until the first check of every server has ended."""
    fall = max(i.check.fall * milliseconds(i.check.interval) / 1000 for i in cluster.listeners)
    longest = min(fall, LONGEST_FALL_SECONDS) + check_timeout_seconds(cluster)
    return math.ceil(longest) + MARGIN_SECONDS


def check_timeout_seconds(cluster: Cluster) -> float:
    """The longest timeout of a check."""
    return max(milliseconds(i.check.timeout) / 1000 for i in cluster.listeners)


def changed_settings(record: Applied | None, cluster: Cluster) -> list[str]:
    """The changes since a record, as `listeners[0].check.path: OLD -> NEW`.

    Settings that do not affect the reachability of backends, such as images, are omitted.

    Args:
        record: of the last change.
        cluster: the inventory to apply.
    """
    if record is None or not record.inventory:
        return []
    before = _by_listener(cluster, record)
    after = {
        "listeners": [i.model_dump(mode="json", by_alias=True) for i in cluster.listeners],
        "templates": cluster.templates.model_dump(mode="json", by_alias=True),
        "haproxy": cluster.haproxy.model_dump(mode="json", by_alias=True),
    }
    old = dict(_flat(before))
    return [
        f"{key}: {_short(old.get(key))} -> {_short(value)}"
        for key, value in _flat(after)
        if old.get(key) != value
    ]


def _by_listener(cluster: Cluster, record: Applied) -> dict[str, Any]:
    """A recorded inventory with its listeners in the order of the current inventory."""
    recorded = recorded_listeners(record)
    matched = [
        next(
            (i for key in ("name", "port") for i in recorded if i.get(key) == getattr(new, key)),
            None,
        )
        for new in cluster.listeners
    ]
    return {**record.inventory, "listeners": matched}


def _flat(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _flat(inner, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list) and value:
        for number, inner in enumerate(value):
            yield from _flat(inner, f"{key}[{number}]")
    else:
        yield key, value


def _short(value: Any) -> str:
    """A value on one line, without secrets."""
    text = shown(" ".join(str(value).split())) if value not in (None, "") else "(nothing)"
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"
