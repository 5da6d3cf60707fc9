"""What nodes must agree on to be one VRRP router, read from a keepalived.conf. Pure.

A node whose settings differ in one of these is a stranger to its peers: each side discards the
other's adverts, and both become master. So they change on all nodes together.
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
        vips: the addresses that adverts name, without prefixes.
        interface: where they are.
        source: the address that adverts come from.
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
def identity_of(conf: str) -> VrrpSettings:
    """Read it from a keepalived.conf of ours.

    Args:
        conf: the whole file.
    """
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
    """What cannot be a number is as good as not there: it differs from what is wanted."""
    try:
        number = float(block.value(keyword) or default)
    except ValueError:
        return 0
    return number if math.isfinite(number) else 0


def running_identity(look: ObservedNode) -> VrrpSettings | None:
    """What a node's keepalived speaks now; None if none of ours runs, or its file is not there.

    A file that is not proven to be loaded says nothing: the settings are then unlike any others.
    """
    conf = look.file(layout.KEEPALIVED_CONF)
    ours = {c.id for c in look.containers if c.role == "keepalived" and c.cluster}
    if conf is None or not ours.intersection(look.keepaliveds.values()):
        return None
    text = conf.content.decode("utf-8", "replace")
    found = identity_of(text)
    if look.vrrp is not None and f"-{look.vrrp.config_id}\n" not in text:
        return dataclasses.replace(found, virtual_router_id=0)
    return found


def own_addresses(look: ObservedNode) -> set[str]:
    """The addresses that a node has, and the one that its keepalived was told to send from.

    Where a machine gets another address, peers know it by the former one.

    Args:
        look: the node.
    """
    speaks = running_identity(look)
    return {address.address for address in look.addresses} | {speaks.source if speaks else ""}


def present_addresses(cluster: Cluster, observed: Mapping[str, ObservedNode]) -> set[str]:
    """All addresses by which the nodes of an inventory are or were known.

    Args:
        cluster: the inventory.
        observed: by node label; other nodes do not count.
    """
    own = {str(node.address) for node in cluster.nodes}
    looks = [observed[node.label] for node in cluster.nodes if node.label in observed]
    return own.union(*(own_addresses(look) for look in looks))


def cluster_wide(
    desired: Mapping[str, DesiredNode], observed: Mapping[str, ObservedNode]
) -> tuple[str, ...]:
    """The cluster-wide settings that change on any node, in words; empty if none does.

    Args:
        desired: by node label.
        observed: the same nodes.
    """
    # A node that says nothing is believed to run its file, but not where a run died half-way.
    half_way = any(layout.RUN_DRAIN in drains(look) for look in observed.values())
    silent = {
        node
        for node, look in observed.items()
        if half_way and look.vrrp is None and running_identity(look)
    }
    changing = {"virtual_router_id"} if silent else set()
    for node, wanted in desired.items():
        now = running_identity(observed[node])
        new = identity_of(wanted.file(layout.KEEPALIVED_CONF).content)
        if now is not None:
            changing |= {key for key in NAMES if getattr(now, key) != getattr(new, key)}
    return tuple(name for key, name in NAMES.items() if key in changing)


def speaking(
    cluster: Cluster, observed: Mapping[str, ObservedNode]
) -> tuple[Cluster, SecretStr | None] | None:
    """The inventory with the VRRP settings that the nodes speak now.

    Changes that would interrupt the holder are rolled out under these; the settings follow.

    Returns:
        The inventory and the password; None if the nodes do not agree, or if their adverts will
        be of the other address family.
    """
    found = {node: i for node, look in observed.items() if (i := running_identity(look))}
    shared = {dataclasses.replace(i, interface="", source="") for i in found.values()}
    if len(shared) != 1:
        return None
    (one,) = shared
    vrrp = cluster.vrrp.model_copy(
        update={
            "virtual_router_id": one.virtual_router_id,
            "version": one.version,
            "advert_interval": one.advert_interval,
            "mode": one.mode,
        }
    )
    nodes = tuple(
        node.model_copy(update={"interface": found[node.label].interface})
        if node.label in found
        else node
        for node in cluster.nodes
    )
    known = {str(vip.ip): vip for vip in cluster.vip}
    vips = tuple(known.get(vip) or ipaddress.ip_interface(vip) for vip in one.vips)
    if any(vip.version != cluster.advert_family for vip in vips):
        return None
    # The others are not a matter between nodes: they change with each node's own file.
    update = {"vrrp": vrrp, "nodes": nodes, "vip": (*vips, *cluster.excluded_vips)}
    return cluster.model_copy(update=update), SecretStr(one.password) if one.password else None
