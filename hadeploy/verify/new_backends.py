"""Backends that a change has added and that are down after it. Pure.

The reason may be a control plane that has not joined yet, or a typo in an address. hadeploy cannot
distinguish them, so it keeps the change and warns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.observed_node import BackendServer, ObservedNode
from hadeploy.plan.backends import SUFFIX
from hadeploy.plan.order import holders
from hadeploy.verify.backends import MOST_NAMED, named_server
from hadeploy.verify.proof import Proof

NEW_BACKENDS = "new-backends-up"
NOT_YET = "expected if its API server does not run yet; otherwise correct listeners[].backends"
TYPO = "check listeners[].backends for a typo; expected if its API server does not run yet"


def new_backend_proofs(
    cluster: Cluster, before: Mapping[str, ObservedNode], after: Mapping[str, ObservedNode]
) -> Iterator[Proof]:
    """A warning for each listener with new servers that are down.

    Args:
        cluster: the applied inventory.
        before: the nodes before the change, by label.
        after: the nodes after the change, by label.
    """
    holding = holders([str(vip.ip) for vip in cluster.vip], after.values())
    nodes = [after[node] for node in holding] or list(after.values())
    for listener in cluster.listeners:
        section = f"{listener.name}{SUFFIX}"
        old = list(_of_section(section, before.values()))
        # A listener without servers before the change is new as a whole.
        if not old or not nodes:
            continue
        known = {(server.name, server.address) for server in old}
        now = list(_of_section(section, nodes))
        names = {server.name for server in now}
        new = [s for s in now if s.status.startswith("DOWN") and (s.name, s.address) not in known]
        if not new:
            continue
        gone = {s.address: s.name for s in old if s.up and s.name not in names}
        named = ", ".join(map(named_server, new[:MOST_NAMED]))
        message = f"new with this change, not up yet: {named}"
        if gone:
            were = ", ".join(f"{name} at {address}" for address, name in gone.items())
            message += f"; removed, but up before: {were}"
        if len(cluster.listeners) > 1:
            message = f"{listener.name}: {message}"
        yield Proof(NEW_BACKENDS, "warn", message, hint=TYPO if gone else NOT_YET)


def _of_section(section: str, states: Iterable[ObservedNode]) -> Iterator[BackendServer]:
    """The servers of a section on all nodes; each state of a server once."""
    servers = (s for state in states for s in state.backends if s.listener == section)
    yield from {(s.name, s.address, s.up): s for s in servers}.values()
