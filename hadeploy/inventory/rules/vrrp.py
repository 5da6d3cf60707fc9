"""Rules on VRRP: what keepalived would accept and then not do, and on container names."""

from __future__ import annotations

from hadeploy.inventory.cluster import Cluster
from hadeploy.inventory.priorities import HIGHEST, check_weight, priorities
from hadeploy.inventory.rules.addresses import Broken


def priorities_distinct(cluster: Cluster) -> Broken:
    """Two nodes of one priority could both be master for a moment."""
    seen: dict[int, int] = {}
    for i, node in enumerate(cluster.nodes):
        if node.priority is not None and (first := seen.setdefault(node.priority, i)) != i:
            yield (
                ("nodes", i, "priority"),
                f"nodes[{first}] has priority {node.priority}, too: both could take the VIP at"
                " once; give each its own",
            )


def fault_mode(cluster: Cluster) -> Broken:
    """Without weight mode a weight does nothing."""
    if cluster.vrrp.on_check_failure == "fault" and cluster.vrrp.weight is not None:
        yield (
            ("vrrp", "weight"),
            "a weight is for on_check_failure: weight; in fault mode a node whose check fails gives"
            " up the VIP whatever the weight",
        )


def preempt_delay(cluster: Cluster) -> Broken:
    """A delay of preemption needs preemption, and must not delay a failover."""
    vrrp = cluster.vrrp
    if not vrrp.preempt_delay:
        return
    if not vrrp.preempt:
        yield ("vrrp", "preempt_delay"), "preempt_delay needs preempt: true"
    elif vrrp.on_check_failure == "weight":
        yield (
            ("vrrp", "preempt_delay"),
            "with on_check_failure: weight a failover is a preemption, so preempt_delay would delay"
            " it; remove preempt_delay, or use on_check_failure: fault",
        )


def weight_mode(cluster: Cluster) -> Broken:
    """Some healthy node must always beat every failed one, and must be allowed to act on it."""
    if cluster.vrrp.on_check_failure != "weight":
        return
    if not cluster.vrrp.preempt:
        yield (
            ("vrrp", "preempt"),
            "on_check_failure: weight needs preempt: true; without it (keepalived's nopreempt) no"
            " node ever takes the VIP from one that has only lost weight, so it would not move",
        )
    values = priorities(cluster)
    highest, lowest, weight = max(values.values()), min(values.values()), check_weight(cluster)
    path = ("vrrp", "weight") if cluster.vrrp.weight is not None else ("nodes",)
    if weight <= highest - lowest:
        best, last = max(values, key=values.__getitem__), min(values, key=values.__getitem__)
        yield (
            path,
            f"{weight} is too little: with only {last} healthy, its {lowest} + {weight} does not"
            f" beat the {highest} of {best}, which would keep the VIP with a dead haproxy;"
            f" needs more than {highest} - {lowest}, so at least {highest - lowest + 1}",
        )
    if highest + weight > HIGHEST:
        yield (
            path,
            f"the highest priority and the weight make {highest} + {weight} = {highest + weight},"
            f" but VRRP ends at {HIGHEST} and keepalived would cut it off there, so that a failed"
            " node may win; lower the priorities, or bring them closer together",
        )


def version_2(cluster: Cluster) -> Broken:
    """VRRP version 2 is for IPv4 and counts whole seconds."""
    if cluster.vrrp.version != 2:
        return
    if cluster.vrrp.failover == "fast":
        yield (
            ("vrrp", "version"),
            "failover: fast needs version 3: version 2 counts whole seconds (RFC 3768)",
        )
    if any(vip.version == 6 for vip in cluster.advertised_vips):
        yield (
            ("vrrp", "version"),
            "version 2 is for IPv4 only (RFC 3768); IPv6 needs version 3 (RFC 5798)",
        )
    if cluster.vrrp.advert_interval % 1:
        yield (
            ("vrrp", "advert_interval"),
            f"version 2 counts whole seconds (RFC 3768), and {cluster.vrrp.advert_interval:g} is"
            " none: keepalived would round it; say version: 3 for shorter ones",
        )


def version_3(cluster: Cluster) -> Broken:
    """VRRP version 3 has no authentication and counts hundredths."""
    if cluster.vrrp.version != 3:
        return
    if cluster.vrrp.password is not None:
        yield (
            ("vrrp", "password"),
            "version 3 has no authentication (RFC 5798): keepalived would ignore the password, and"
            " anybody on the segment could speak; remove it, or use version 2 (IPv4 only)",
        )
    hundredths = cluster.vrrp.advert_interval * 100
    if abs(hundredths - round(hundredths)) > 1e-6:
        yield (
            ("vrrp", "advert_interval"),
            f"version 3 counts hundredths of a second (RFC 5798), and"
            f" {cluster.vrrp.advert_interval:g} is between two: keepalived would round it",
        )


def ipv6_needs_peers(cluster: Cluster) -> Broken:
    """Without unicast peers keepalived wants the first IPv6 VIP to be link-local."""
    if all(vip.version == 4 for vip in cluster.advertised_vips):
        return
    why = "keepalived refuses an IPv6 VIP that is not link-local when it has no unicast peers"
    if cluster.vrrp.mode == "multicast":
        yield ("vrrp", "mode"), f"{why} (RFC 5798 section 5.2.9); use unicast"
    elif len(cluster.nodes) == 1:
        yield ("nodes",), f"{why}, and a single node has none; IPv6 needs two nodes or more"


def container_names(cluster: Cluster) -> Broken:
    """The two containers of a node need two names."""
    haproxy, keepalived = cluster.container_names
    if haproxy == keepalived:
        key = "keepalived" if cluster.containers.keepalived else "haproxy"
        yield ("containers", key), f"both containers would be called {haproxy}; they need two names"


RULES = (
    priorities_distinct,
    fault_mode,
    preempt_delay,
    weight_mode,
    version_2,
    version_3,
    ipv6_needs_peers,
    container_names,
)
