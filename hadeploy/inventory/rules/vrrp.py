"""Rules for VRRP settings that keepalived accepts but does not honour, and for container names."""

from __future__ import annotations

from hadeploy.inventory.cluster import Cluster
from hadeploy.inventory.priorities import HIGHEST, check_weight, priorities
from hadeploy.inventory.rules.addresses import Broken


def priorities_distinct(cluster: Cluster) -> Broken:
    """Two nodes with the same priority could both become master for a moment."""
    seen: dict[int, int] = {}
    for i, node in enumerate(cluster.nodes):
        if node.priority is not None and (first := seen.setdefault(node.priority, i)) != i:
            yield (
                ("nodes", i, "priority"),
                f"{node.priority} is also the priority of nodes[{first}]: both could take the VIP"
                " at once",
            )


def fault_mode(cluster: Cluster) -> Broken:
    """A weight has no effect in fault mode."""
    if cluster.vrrp.on_check_failure == "fault" and cluster.vrrp.weight is not None:
        yield (
            ("vrrp", "weight"),
            "has no effect without on_check_failure: weight; in fault mode, a node whose check"
            " fails always gives up the VIP",
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
    """A healthy node must always beat every failed one, and be allowed to preempt it."""
    if cluster.vrrp.on_check_failure != "weight":
        return
    if not cluster.vrrp.preempt:
        yield (
            ("vrrp", "preempt"),
            "on_check_failure: weight needs preempt: true; without it (keepalived's nopreempt), a"
            " node whose check fails would keep the VIP",
        )
    values = priorities(cluster)
    highest, lowest, weight = max(values.values()), min(values.values()), check_weight(cluster)
    path = ("vrrp", "weight") if cluster.vrrp.weight is not None else ("nodes",)
    if weight <= highest - lowest:
        best, last = max(values, key=values.__getitem__), min(values, key=values.__getitem__)
        yield (
            path,
            f"{weight} is too low: if only {last} is healthy, its {lowest} + {weight} does not"
            f" beat the {highest} of {best}, which would keep the VIP without haproxy;"
            f" the minimum is {highest} - {lowest} + 1 = {highest - lowest + 1}",
        )
    if highest + weight > HIGHEST:
        yield (
            path,
            f"the highest priority plus the weight is {highest} + {weight} = {highest + weight},"
            f" but keepalived limits the sum to {HIGHEST}, so a failed node could win; use lower"
            " priorities, or smaller differences between them",
        )


def version_2(cluster: Cluster) -> Broken:
    """VRRP version 2 is for IPv4 and whole seconds."""
    if cluster.vrrp.version != 2:
        return
    if cluster.vrrp.failover == "fast":
        yield (
            ("vrrp", "version"),
            "failover: fast needs version 3: version 2 has whole seconds only (RFC 3768)",
        )
    if any(vip.version == 6 for vip in cluster.advertised_vips):
        yield (
            ("vrrp", "version"),
            "version 2 is for IPv4 only (RFC 3768); IPv6 needs version 3 (RFC 5798)",
        )
    if cluster.vrrp.advert_interval % 1:
        yield (
            ("vrrp", "advert_interval"),
            f"version 2 has whole seconds only (RFC 3768), and keepalived would round"
            f" {cluster.vrrp.advert_interval:g}; set version: 3 for fractions",
        )


def version_3(cluster: Cluster) -> Broken:
    """VRRP version 3 has no authentication, and uses hundredths of a second."""
    if cluster.vrrp.version != 3:
        return
    if cluster.vrrp.password is not None:
        yield (
            ("vrrp", "password"),
            "version 3 has no authentication (RFC 5798), and keepalived would ignore the password;"
            " remove it, or use version 2 (IPv4 only)",
        )
    hundredths = cluster.vrrp.advert_interval * 100
    if abs(hundredths - round(hundredths)) > 1e-6:
        yield (
            ("vrrp", "advert_interval"),
            f"version 3 has hundredths of a second (RFC 5798), and keepalived would round"
            f" {cluster.vrrp.advert_interval:g}",
        )


def ipv6_needs_peers(cluster: Cluster) -> Broken:
    """Without unicast peers, keepalived requires that the first IPv6 VIP is link-local."""
    if all(vip.version == 4 for vip in cluster.advertised_vips):
        return
    why = "keepalived refuses an IPv6 VIP that is not link-local if it has no unicast peers"
    if cluster.vrrp.mode == "multicast":
        yield ("vrrp", "mode"), f"{why} (RFC 5798 section 5.2.9); use unicast"
    elif len(cluster.nodes) == 1:
        yield ("nodes",), f"{why}, and a single node has none; IPv6 needs two nodes or more"


def container_names(cluster: Cluster) -> Broken:
    """The containers of a node must have distinct names."""
    haproxy, keepalived = cluster.container_names
    if haproxy == keepalived:
        key = "keepalived" if cluster.containers.keepalived else "haproxy"
        yield ("containers", key), f"both containers have the name {haproxy}; use two names"


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
