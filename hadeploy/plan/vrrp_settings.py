"""The VRRP settings that all nodes must share, read from a keepalived.conf. Pure.

Nodes that differ in one of these discard each other's adverts, and both become master. So these
settings change on all nodes together.
"""

from __future__ import annotations

import dataclasses
import functools
import ipaddress
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import SecretStr

from hadeploy.config_files.keepalived import Statement, parse
from hadeploy.desired import layout
from hadeploy.desired.desired_node import DesiredNode
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.takeover_candidates import drains


@dataclass(frozen=True)
class VrrpSettings:
    """The cluster-wide settings of one node's VRRP instance (keepalived.conf(5)).

    Attributes:
        virtual_router_id: 1 to 255.
        version: of VRRP: 2 (RFC 3768) or 3 (RFC 5798).
        advert_interval: seconds.
        password: of `auth_type PASS`, or None.
        mode: unicast or multicast.
        vips: the addresses in adverts, without prefixes.
        interface: of the instance.
        source: the source address of adverts.
    """

    virtual_router_id: int
    version: int
    advert_interval: float
    password: str | None = field(repr=False)
    mode: str
    vips: tuple[str, ...]
    interface: str
    source: str


NAMES = {
    "virtual_router_id": "virtual_router_id",
    "version": "VRRP version",
    "advert_interval": "advert interval",
    "password": "authentication",
    "mode": "unicast or multicast",
    "vips": "VIP list",
    "interface": "interface",
    "source": "source address",
}


@functools.lru_cache(maxsize=256)
def settings_of(conf: str) -> VrrpSettings:
    """Read the settings from the text of a keepalived.conf of hadeploy."""
    tree = parse(conf)
    nothing = Statement(())
    defaults = tree.last("global_defs") or nothing
    instance = tree.last("vrrp_instance") or nothing
    vips = instance.last("virtual_ipaddress") or nothing
    return VrrpSettings(
        virtual_router_id=round(_number(instance, "virtual_router_id", 0)),
        version=round(_number(defaults, "vrrp_version", 2)),
        advert_interval=_number(instance, "advert_int", 1),
        password=(instance.last("authentication") or nothing).value("auth_pass"),
        mode="multicast" if instance.last("unicast_peer") is None else "unicast",
        vips=tuple(line.keyword.partition("/")[0] for line in vips.block),
        interface=instance.value("interface") or "",
        source=instance.value("unicast_src_ip") or instance.value("mcast_src_ip") or "",
    )


def _number(block: Statement, keyword: str, default: float) -> float:
    """The number of a statement; 0 if it is invalid, so that it differs from the desired one."""
    try:
        number = float(block.value(keyword) or default)
    except ValueError:
        return 0
    return number if math.isfinite(number) else 0


def running_settings(state: ObservedNode) -> VrrpSettings | None:
    """The settings in effect on a node; None if its keepalived does not run or its file is missing.

    If keepalived has not loaded the file, the settings are unknown, and equal no others.
    """
    conf = state.file(layout.KEEPALIVED_CONF)
    ours = {c.id for c in state.containers if c.role == "keepalived" and c.cluster}
    if conf is None or not ours.intersection(state.keepaliveds.values()):
        return None
    text = conf.content.decode("utf-8", "replace")
    found = settings_of(text)
    if state.vrrp is not None and f"-{state.vrrp.config_id}\n" not in text:
        return dataclasses.replace(found, virtual_router_id=0)
    return found


def own_addresses(state: ObservedNode) -> set[str]:
    """The addresses of a node, and the source address of its keepalived.

    If a node gets another address, its peers still have the former one.
    """
    running = running_settings(state)
    return {address.address for address in state.addresses} | {running.source if running else ""}


def present_addresses(cluster: Cluster, observed: Mapping[str, ObservedNode]) -> set[str]:
    """All current and former addresses of the nodes of an inventory.

    Args:
        observed: by node label; nodes that are not in the inventory are ignored.
    """
    own = {str(node.address) for node in cluster.nodes}
    states = [observed[node.label] for node in cluster.nodes if node.label in observed]
    return own.union(*(own_addresses(state) for state in states))


def cluster_wide(
    desired: Mapping[str, DesiredNode], observed: Mapping[str, ObservedNode]
) -> tuple[str, ...]:
    """The cluster-wide settings that change on any node, in words; empty if none does.

    Args:
        desired: by node label.
        observed: the same nodes.
    """
    # Assume that a keepalived without an answer has loaded its file, except after an interrupted
    # run.
    interrupted = any(layout.RUN_DRAIN in drains(state) for state in observed.values())
    silent = {
        node
        for node, state in observed.items()
        if interrupted and state.vrrp is None and running_settings(state)
    }
    changing = {"virtual_router_id"} if silent else set()
    for node, wanted in desired.items():
        now = running_settings(observed[node])
        new = settings_of(wanted.file(layout.KEEPALIVED_CONF).content)
        if now is not None:
            changing |= {key for key in NAMES if getattr(now, key) != getattr(new, key)}
    return tuple(name for key, name in NAMES.items() if key in changing)


def with_running_settings(
    cluster: Cluster, observed: Mapping[str, ObservedNode]
) -> tuple[Cluster, SecretStr | None] | None:
    """The inventory with the VRRP settings in effect, and their password.

    Changes that would interrupt the holder are rolled out with these first, the settings later.

    Returns:
        None if the settings of the nodes differ, or the address family of the adverts changes.
    """
    found = {node: i for node, state in observed.items() if (i := running_settings(state))}
    shared = {dataclasses.replace(i, interface="", source="") for i in found.values()}
    if len(shared) != 1:
        return None
    (running,) = shared
    vrrp = cluster.vrrp.model_copy(
        update={
            "virtual_router_id": running.virtual_router_id,
            "version": running.version,
            "advert_interval": running.advert_interval,
            "mode": running.mode,
        }
    )
    nodes = tuple(
        node.model_copy(update={"interface": found[node.label].interface})
        if node.label in found
        else node
        for node in cluster.nodes
    )
    known = {str(vip.ip): vip for vip in cluster.vip}
    vips = tuple(known.get(vip) or ipaddress.ip_interface(vip) for vip in running.vips)
    if any(vip.version != cluster.advert_family for vip in vips):
        return None
    # Nodes may differ in the excluded VIPs, which change with each node's own file.
    update = {"vrrp": vrrp, "nodes": nodes, "vip": (*vips, *cluster.excluded_vips)}
    password = SecretStr(running.password) if running.password else None
    return cluster.model_copy(update=update), password
