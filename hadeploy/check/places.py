"""Checks of what is to be ours on a node and may be somebody else's. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from hadeploy.adopt.conflicts import running_conflicts, stopped_conflicts
from hadeploy.adopt.managers import manager_of
from hadeploy.adopt.recognise import ByHand, recognise, words
from hadeploy.check.model import CheckContext, Finding
from hadeploy.desired.containers import removal_command
from hadeploy.errors import ExitCode
from hadeploy.inventory.model import Node
from hadeploy.observe.haproxy_sockets import haproxy_sockets
from hadeploy.observe.model import Applied, ObservedContainer, ObservedNode, Owner, Socket
from hadeploy.observe.published import ENGINE
from hadeploy.observe.subnets import interface_of
from hadeploy.plan.membership import of_another_cluster
from hadeploy.plan.vrrp_settings import present_addresses
from hadeploy.verify.stranger import BACK_FIX, PRUNE
from hadeploy.verify.strangers import answering, forgotten_nodes, is_back


def set_up_by_hand(sight: CheckContext, node: Node, look: ObservedNode) -> Iterator[Finding]:
    """Whether somebody's own cluster serves in our place."""
    by_hand = recognise(sight.cluster, look)
    managed = by_hand is not None and any(manager_of(p.container) for p in by_hand.parts)
    if by_hand is not None and not managed and (by_hand.elsewhere or not sight.adopt):
        yield Finding("set-up-by-hand", node.label, "fail", *words(sight.cluster, by_hand))
    elif not managed:
        yield Finding("set-up-by-hand", node.label, "pass", "none that is in the way")


def container_names(sight: CheckContext, node: Node, look: ObservedNode) -> Iterator[Finding]:
    """Whether somebody else's containers have our names."""
    by_hand = recognise(sight.cluster, look)
    interface = interface_of(node, look) or ""
    stopped = stopped_conflicts(sight.cluster, interface, look) if sight.adopt else []
    # What is stopped for good gets another name.
    renamed = {conflict.container.id for conflict in stopped if conflict.stands_in_the_way}
    foreign = False
    for name in sight.cluster.container_names:
        container = look.container(name)
        if container is None or (by_hand is not None and by_hand.has(container.id)):
            continue
        if container.id in renamed:
            continue
        if container.cluster != sight.cluster.name:
            foreign = True
            what = f"a container named {name} exists and is not ours (image {container.image})"
            fix = "rename it, or choose other names under `containers:`"
            yield Finding("container-names", node.label, "fail", what, fix)
    if not foreign and look.docker is not None:
        yield Finding("container-names", node.label, "pass", "free, or ours")


def ports(sight: CheckContext, node: Node, look: ObservedNode) -> Iterator[Finding]:
    """Whether our ports are free, or ours."""
    if "ss" in look.missing:
        return
    by_hand = recognise(sight.cluster, look)
    told = _told(sight, node, look, by_hand)
    taken = False
    for port in sight.cluster.haproxy_ports:
        for socket in haproxy_sockets(sight.cluster, look, port):
            owner = _stranger(sight, look, socket, by_hand, told)
            if owner is None:
                continue
            taken = True
            what = f"port {port} is taken by {owner or 'a process that it does not name'}"
            fix = "stop it, or choose another port (k0s, for one, uses 9443 itself)"
            yield Finding("ports", node.label, "fail", what, fix)
    if not taken:
        yield Finding("ports", node.label, "pass", "free, or ours")


def stranger(sight: CheckContext, node: Node, look: ObservedNode, socket: Socket) -> str | None:
    """Who keeps haproxy from listening beside a socket, "" if the node does not tell; else None.

    Args:
        sight: of the checks.
        node: the node.
        look: the same node.
        socket: one of its sockets.
    """
    by_hand = recognise(sight.cluster, look)
    return _stranger(sight, look, socket, by_hand, _told(sight, node, look, by_hand))


def _told(
    sight: CheckContext, node: Node, look: ObservedNode, by_hand: ByHand | None
) -> list[ObservedContainer]:
    """Containers that another check tells of."""
    interface = interface_of(node, look) or ""
    conflicts = running_conflicts(sight.cluster, interface, look, by_hand)
    return [conflict.container for conflict in conflicts]


def _stranger(
    sight: CheckContext,
    look: ObservedNode,
    socket: Socket,
    by_hand: ByHand | None,
    told: list[ObservedContainer],
) -> str | None:
    haproxy = look.ours_of(sight.cluster.name, "haproxy")
    if socket.belongs_to(haproxy) or (by_hand is not None and by_hand.owns(socket)):
        return None
    if any(socket.belongs_to(container) for container in told):
        return None
    return ", ".join(_named(look, owner, socket.port) for owner in socket.owners)


def _named(look: ObservedNode, owner: Owner, port: int) -> str:
    publishers = look.publishers.get(port, ())
    if publishers and not owner.container and owner.name in ENGINE:
        several = "s" if len(publishers) > 1 else ""
        named = ", ".join(publishers)
        return f"{owner.name} (pid {owner.pid}) for the container{several} {named}"
    if not owner.container:
        return f"{owner.name} (pid {owner.pid})"
    for other in look.other_clusters:
        for container in other.containers:
            if container.id == owner.container:
                named = f"the container {container.name} of the hadeploy cluster {other.name}"
                return f"{owner.name} (pid {owner.pid}, in {named})"
    known = next((c.name for c in look.containers if c.id == owner.container), "")
    known = known or next(
        (f.container.name for f in look.foreign if f.container.id == owner.container), ""
    )
    where = f"in the container {known}" if known else "in a container"
    return f"{owner.name} (pid {owner.pid}, {where})"


def host_services(sight: CheckContext, node: Node, look: ObservedNode) -> Iterator[Finding]:
    """Whether haproxy or keepalived are the host's own."""
    del sight
    found = [
        name
        for name, processes in (("haproxy", look.host.haproxies), ("keepalived", look.keepaliveds))
        if look.host.units.get(name) in ("active", "activating", "reloading")
        or "" in processes.values()
    ]
    if found:
        what = f"{' and '.join(found)} of the host's own {'run' if len(found) > 1 else 'runs'}"
        fix = f"unless it serves something else: systemctl disable --now {' '.join(found)}"
        yield Finding("host-services", node.label, "warn", what, fix)
    later = [
        name
        for name in ("haproxy", "keepalived")
        if name not in found and look.host.units.get(f"{name}.boot", "").startswith("enabled")
    ]
    if later:
        what = f"{' and '.join(later)} of the host's own would start when the node boots"
        fix = f"unless that is meant: systemctl disable {' '.join(later)}"
        yield Finding("host-services", node.label, "warn", what, fix)
    if not found and not later:
        yield Finding("host-services", node.label, "pass", "none runs")


def forgotten_node(sight: CheckContext, address: str) -> Finding:
    """A node that is to be forgotten: it must not be there now."""
    vips = [str(vip.ip) for vip in sight.cluster.vip]
    segments = [look.segment for look in sight.observed.values() if look.segment]
    answers = [s for vip in vips for s in answering(sight.cluster, sight.observed, vip)]
    holds = any(stranger.address == address for stranger in answers)
    operation = ""
    if holds or any(address in segment.adverts for segment in segments):
        operation = "answers for the VIP" if holds else "sends adverts"
    elif is_back(sight.cluster, sight.observed, address):
        operation = "answers on the network"
    if operation:
        return Finding(
            "former-nodes",
            None,
            "fail",
            f"{address} cannot be forgotten: it {operation}, and would still take part",
            f"{PRUNE}; or switch that machine off first (another machine with that address now: "
            "--skip former-nodes)",
            operation="checking the nodes",
        )
    return Finding(
        "former-nodes",
        None,
        "warn",
        f"{address} is forgotten, not stopped: back on the network, it takes part again, and may "
        f"take {' and '.join(vips)}",
        f"before it is connected, run there: `{removal_command(sight.cluster)}`; "
        "when it is back: `hadeploy up --prune`",
    )


def _of_another_cluster(sight: CheckContext, node: str, record: Applied) -> Finding:
    others = " and ".join(m for m in record.members if m != str(sight.cluster.node(node).address))
    return Finding(
        "former-nodes",
        node,
        "fail",
        f"it is a node of another cluster {sight.cluster.name}, with {' and '.join(record.vips)} "
        f"on {others}, too",
        "take it out of that cluster first (`hadeploy up --prune` with its inventory), or give "
        "one of the two another `name`",
        operation="checking the nodes",
        code=ExitCode.USAGE,
    )


def former_nodes(sight: CheckContext) -> Iterator[Finding]:
    """Nodes that the records on the others name and the inventory does not.

    Such a node still runs: once its peers no longer tell it so, it takes the VIP for itself.
    """
    # A machine that has another address than before has not left.
    present = present_addresses(sight.cluster, sight.observed) | set(sight.pruned)
    strangers = {
        node: record
        for node in sight.observed
        if (record := of_another_cluster(sight.cluster, sight.observed, node))
    }
    for node, record in strangers.items():
        yield _of_another_cluster(sight, node, record)
    looks = [look for node, look in sight.observed.items() if node not in strangers]
    former = {m for look in looks if look.applied for m in look.applied.members} - present
    gone = former - set(sight.forget)
    for address in sorted(former - gone):
        yield forgotten_node(sight, address)
    forgotten = set(forgotten_nodes(sight.cluster, sight.observed)) - set(sight.pruned)
    for address in sorted(forgotten):
        if is_back(sight.cluster, sight.observed, address):
            what = f"{address}, which was forgotten, answers on the network again"
            yield Finding("former-nodes", None, "warn", what, BACK_FIX)
    for address in sorted(gone):
        yield Finding(
            "former-nodes",
            None,
            "fail",
            f"{address} was a node of this cluster and is not in the inventory",
            "`hadeploy up --prune` stops it and removes what hadeploy made there; "
            f"if it is gone for good: hadeploy up --forget {address}",
            operation="checking the nodes",
            code=ExitCode.UNREACHABLE,
        )
    if not gone and not strangers and sight.observed:
        yield Finding("former-nodes", None, "pass", "no former node still takes part")
