"""Foreign containers that claim a VIP, virtual_router_id or port of this cluster. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hadeploy.adopt.managers import Manager, manager_of
from hadeploy.adopt.recognise import ByHand
from hadeploy.config_files.haproxy import sections
from hadeploy.config_files.haproxy_values import ports_of
from hadeploy.config_files.keepalived import Statement, parse
from hadeploy.desired.roles import ROLES, Role
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.container import ObservedContainer
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.observe.other_clusters import OtherCluster


@dataclass(frozen=True)
class Conflict:
    """A foreign container that claims something that this cluster uses.

    Attributes:
        role: its program; None if unknown.
        claims: the VIPs, ports and ids that it claims, as phrases; may be empty.
        known: whether its configuration was read.
        why: why it runs or will run, as a phrase.
        can_disable: whether `up --adopt` can stop and disable it without a takeover.
        may_stay: whether it may remain: the engine does not start it, only a manager may do so.
    """

    container: ObservedContainer
    role: Role | None
    claims: tuple[str, ...]
    known: bool
    why: str
    can_disable: bool = True
    may_stay: bool = False

    @property
    def manager(self) -> Manager | None:
        """The program that starts it again, apart from the engine."""
        return manager_of(self.container)

    @property
    def blocks(self) -> bool:
        """Whether it claims something, or may do so."""
        return bool(self.claims) or not self.known


def stopped_conflicts(cluster: Cluster, interface: str, state: ObservedNode) -> list[Conflict]:
    """Stopped containers that the engine or a manager starts again.

    Omits containers with neither haproxy nor keepalived, unless they publish a port of this
    cluster.

    Args:
        interface: the interface of the VIP on this node.
        state: the observed state of the node.
    """
    found = []
    for one in state.stopped_foreign:
        there, why = one.container, one.autostart(state.now)
        manager = None if why or there.running else manager_of(there)
        if not why and manager is None:
            continue
        why = why or f"it does not run; {manager.name if manager else ''} may start it again"
        text = one.config.decode("utf-8", "replace")
        claims = list(_published(cluster, there))
        if _on_host_network(there):
            claims += _claims(cluster, interface, one.role, text)
            if one.vip_in and _may_add_addresses(there) and not claims:
                claims.append(f"a VIP, in {one.vip_in}")
        known = not _on_host_network(there) or bool(one.config)
        if one.role or claims:
            known = known or one.role is None
            found.append(
                Conflict(there, one.role, tuple(claims), known, why, may_stay=manager is not None)
            )
    return found


def unrelated_containers(cluster: Cluster, interface: str, state: ObservedNode) -> list[Conflict]:
    """Running containers with haproxy or keepalived that start automatically and claim nothing.

    Other checks report containers that claim something.

    Args:
        interface: the interface of the VIP on this node.
        state: the observed state of the node; without a thorough observation, the result is empty.
    """
    found = []
    for one in state.stopped_foreign if state.host.thorough else ():
        there = one.container
        if not there.running or one.autostart(state.now) or one.role is None:
            continue
        processes = state.host.haproxies if one.role == "haproxy" else state.keepaliveds
        if there.id not in processes.values():
            continue
        text = _text(one.config)
        claims = [*_published(cluster, there)]
        if _on_host_network(there):
            claims += _claims(cluster, interface, one.role, text)
        if not claims:
            manager = manager_of(there)
            why = f"{manager.name} started it" if manager else _restarts(there)
            found.append(Conflict(there, one.role, (), True, f"it runs; {why}"))
    return found


def _restarts(there: ObservedContainer) -> str:
    policy = there.raw.get("HostConfig", {}).get("RestartPolicy") or {}
    return f"it starts when Docker or the node restarts (restart policy {policy.get('Name')})"


def running_conflicts(
    cluster: Cluster, interface: str, state: ObservedNode, by_hand: ByHand | None
) -> list[Conflict]:
    """Running foreign containers that claim something that this cluster uses.

    A haproxy is a conflict if a container of this cluster runs on the node, or if a stopped
    keepalived claims the VIP. Otherwise it is a taken port (check `ports`).

    Args:
        interface: the interface of the VIP on this node.
        state: the observed state of the node.
        by_hand: containers that are reported elsewhere.
    """
    others = [f for f in state.foreign if not (by_hand and by_hand.has(f.container.id))]
    beside = any(state.ours_of(cluster.name, role) for role in ROLES)
    half = beside or any(
        c.role == "keepalived" and c.claims for c in stopped_conflicts(cluster, interface, state)
    )
    found = []
    for foreign in others:
        there = foreign.container
        if foreign.role == "keepalived":
            claims = keepalived_claims(cluster, interface, _text(foreign.config))
            if claims:
                found.append(Conflict(there, "keepalived", claims, True, "it runs", beside))
        elif half:
            claims = tuple(
                f"port {port}"
                for port in cluster.haproxy_ports
                if any(socket.belongs_to(there) for socket in state.listeners(port))
            )
            if claims:
                found.append(Conflict(there, "haproxy", claims, True, "it runs"))
    return found


def keepalived_claims(cluster: Cluster, interface: str, text: str) -> tuple[str, ...]:
    """The VIPs and the virtual_router_id of this cluster in a keepalived.conf, as phrases.

    Args:
        interface: the interface of the VIP on this node.
        text: the content of keepalived.conf.
    """
    found: dict[str, None] = {}
    ours = {str(vip.ip) for vip in cluster.vip}
    for instance in parse(text).all("vrrp_instance"):
        vips = list(_addresses(instance))
        found |= dict.fromkeys(f"the VIP {vip}" for vip in vips if str(vip) in ours)
        if (
            instance.value("virtual_router_id") == str(cluster.vrrp.virtual_router_id)
            and instance.value("interface") in (interface, None)
            # IPv4 and IPv6 have separate router ids (RFC 5798, 5.2.3 and 1.2).
            and (not vips or cluster.advert_family in {vip.version for vip in vips})
        ):
            found[f"virtual_router_id {cluster.vrrp.virtual_router_id}"] = None
    return tuple(found)


def haproxy_claims(cluster: Cluster, text: str) -> tuple[str, ...]:
    """The ports of this cluster that a haproxy.cfg binds, as phrases."""
    bound = {port for section in sections(text) for port in ports_of(section, {})}
    return tuple(f"port {port}" for port in cluster.haproxy_ports if port in bound)


def _claims(cluster: Cluster, interface: str, role: Role | None, text: str) -> tuple[str, ...]:
    if role == "keepalived":
        return keepalived_claims(cluster, interface, text)
    return haproxy_claims(cluster, text) if role == "haproxy" else ()


def _addresses(
    instance: Statement,
) -> Iterator[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    for statement in instance.walk():
        if statement.keyword.startswith("virtual_ipaddress"):
            for line in statement.block:
                try:
                    yield ipaddress.ip_interface(line.keyword).ip
                except ValueError:
                    continue


def _published(cluster: Cluster, there: ObservedContainer) -> Iterator[str]:
    """Ports of this cluster that a container publishes (docker run --publish)."""
    if _on_host_network(there):
        return
    bindings = there.raw.get("HostConfig", {}).get("PortBindings")
    for places in bindings.values() if isinstance(bindings, Mapping) else ():
        for place in places if isinstance(places, list) else ():
            port = place.get("HostPort") if isinstance(place, Mapping) else None
            if port in {str(ours) for ours in cluster.haproxy_ports}:
                yield f"port {port}"


def _on_host_network(there: ObservedContainer) -> bool:
    return bool(there.raw.get("HostConfig", {}).get("NetworkMode") == "host")


def _may_add_addresses(there: ObservedContainer) -> bool:
    host = there.raw.get("HostConfig", {})
    added = host.get("CapAdd") or ()
    return bool(host.get("Privileged")) or any("NET_ADMIN" in str(c) or c == "ALL" for c in added)


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")


def shared_settings(cluster: Cluster, interface: str, other: OtherCluster) -> dict[str, str]:
    """Conflicts of two clusters on one node: key of the inventory → phrase.

    Args:
        interface: the interface of the VIP on this node.
        other: the other cluster.
    """
    found = {}
    vips = sorted({str(vip.ip) for vip in cluster.vip} & set(other.vips))
    if vips:
        found["vip"] = f"VIP {', '.join(vips)}"
    if same_router(cluster, interface, other):
        found["vrrp.virtual_router_id"] = f"virtual_router_id {other.virtual_router_id}"
    ours = {cluster.haproxy.health_port: "haproxy.health_port"}
    if cluster.haproxy.metrics:
        ours[cluster.haproxy.metrics.port] = "haproxy.metrics.port"
    ours |= dict.fromkeys((listener.port for listener in cluster.listeners), "listeners[].port")
    for port in sorted(set(ours) & set(other.ports)):
        key = ours[port]
        found[key] = f"{found[key]} and {port}" if key in found else f"port {port}"
    names = sorted(set(cluster.container_names) & set(other.container_names))
    if names:
        found["containers"] = f"container name {', '.join(names)}"
    return found


def same_router(cluster: Cluster, interface: str, other: OtherCluster) -> bool:
    """Whether both would be one VRRP router.

    IPv4 and IPv6 have separate router ids (RFC 5798, 5.2.3).
    """
    return (
        other.virtual_router_id == cluster.vrrp.virtual_router_id
        and other.interface == interface
        and other.adverts_over_ipv6 == (cluster.advert_family == 6)
    )
