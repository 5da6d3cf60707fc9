"""Backends that are new with a change and are down after it. Pure.

That is right where a control plane has not joined yet, and wrong where an address has a typo:
nothing but the operator can tell the two apart, so the change stays and the server is named.
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
NOT_YET = "right if its API server does not run yet; else correct listeners[].backends"
TYPO = "a typo in listeners[].backends? right if its API server does not run yet"


def new_backend_proofs(
    cluster: Cluster, before: Mapping[str, ObservedNode], after: Mapping[str, ObservedNode]
) -> Iterator[Proof]:
    """A warning for each listener that has servers which are new with this change and down.

    Args:
        cluster: the inventory that was applied.
        before: the nodes before the change, by label.
        after: the same nodes.
    """
    holding = holders([str(vip.ip) for vip in cluster.vip], after.values())
    seen = [after[node] for node in holding] or list(after.values())
    for listener in cluster.listeners:
        section = f"{listener.name}{SUFFIX}"
        old = list(_of_section(section, before.values()))
        # A listener that had none before is new as a whole.
        if not old or not seen:
            continue
        known = {(server.name, server.address) for server in old}
        now = list(_of_section(section, seen))
        names = {server.name for server in now}
        new = [s for s in now if s.status.startswith("DOWN") and (s.name, s.address) not in known]
        if not new:
            continue
        gone = {s.address: s.name for s in old if s.up and s.name not in names}
        named = ", ".join(map(named_server, new[:MOST_NAMED]))
        message = f"new with this change, not up yet: {named}"
        if gone:
            were = ", ".join(f"{name} at {address}" for address, name in gone.items())
            message += f"; no longer there, and up before: {were}"
        if len(cluster.listeners) > 1:
            message = f"{listener.name}: {message}"
        yield Proof(NEW_BACKENDS, "warn", message, hint=TYPO if gone else NOT_YET)


def _of_section(section: str, looks: Iterable[ObservedNode]) -> Iterator[BackendServer]:
    """The servers of a section, as the nodes see them; each state of a server once."""
    servers = (s for look in looks for s in look.backends if s.listener == section)
    yield from {(s.name, s.address, s.up): s for s in servers}.values()
