"""haproxy and keepalived as services of the host. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from hadeploy.check.entry import Check
from hadeploy.check.finding import CheckContext, Finding
from hadeploy.desired.roles import ROLES
from hadeploy.inventory.cluster import Node
from hadeploy.observe.observed_node import ObservedNode

HOST_SERVICES = Check(
    "host-services",
    "no haproxy on host",
    "no haproxy or keepalived runs on the host, outside a container, or starts when it boots",
    "`systemctl disable --now haproxy keepalived`, unless it serves something else",
)


# How many processes are named.
MOST_NAMED = 3


def _service_runs(state: ObservedNode, name: str) -> bool:
    return state.host.units.get(name) in ("active", "activating", "reloading")


@HOST_SERVICES.of_node
def host_services(context: CheckContext, node: Node, state: ObservedNode) -> Iterator[Finding]:
    """Whether haproxy or keepalived runs on the host, outside a container."""
    del context
    found = [
        name
        for name, processes in (
            ("haproxy", state.host.haproxies),
            ("keepalived", state.keepaliveds),
        )
        if _service_runs(state, name) or "" in processes.values()
    ]
    users = {} if _service_runs(state, "haproxy") else state.host.haproxy_users
    if found == ["haproxy"] and users:
        # It need not be haproxy: any user can give a process that name.
        pids = " and ".join(
            f"{pid} of user {user}" for pid, user in list(users.items())[:MOST_NAMED]
        )
        what = f"haproxy, or a process of that name, runs on the host: {pids}"
        fix = f"unless it serves something else, end it: ps -fp {min(users)}"
        yield Finding(HOST_SERVICES.id, node.label, "warn", what, fix)
    elif found:
        what = f"{' and '.join(found)} {'run' if len(found) > 1 else 'runs'} on the host"
        fix = f"unless it serves something else: systemctl disable --now {' '.join(found)}"
        yield Finding(HOST_SERVICES.id, node.label, "warn", what, fix)
    later = [
        name
        for name in ROLES
        if name not in found and state.host.units.get(f"{name}.boot", "").startswith("enabled")
    ]
    if later:
        what = f"{' and '.join(later)} would start on the host when the node boots"
        fix = f"if it is not needed: systemctl disable {' '.join(later)}"
        yield Finding(HOST_SERVICES.id, node.label, "warn", what, fix)
    if not found and not later:
        yield Finding(HOST_SERVICES.id, node.label, "pass", "none runs")
