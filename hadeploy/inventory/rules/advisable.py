"""Warnings about valid inventories."""

from __future__ import annotations

from hadeploy.inventory.cluster import Cluster, backends_of
from hadeploy.inventory.fields import milliseconds
from hadeploy.inventory.rules.addresses import Broken

SILENCE_MILLISECONDS = 60_000


def more_than_one_node(cluster: Cluster) -> Broken:
    """A single node has no failover."""
    if len(cluster.nodes) == 1:
        yield ("nodes",), "only one node: no other node can take over if it fails"


def own_router_id(cluster: Cluster) -> Broken:
    """Two clusters with one virtual_router_id on a segment disturb each other."""
    if cluster.vrrp.virtual_router_id == 51:
        yield (
            ("vrrp", "virtual_router_id"),
            "51 is in many keepalived examples; another cluster on the segment may use it too",
        )


def nodes_in_the_vips_network(cluster: Cluster) -> Broken:
    """If the VIP has a prefix, the nodes should be in its network."""
    for i, vip in enumerate(cluster.vip):
        outside = [node.label for node in cluster.nodes if node.address not in vip.network]
        if vip in cluster.excluded_vips:
            # The nodes' addresses of that family are not in the inventory.
            continue
        if vip.network.prefixlen < vip.max_prefixlen and outside:
            yield (
                ("vip", i),
                f"{', '.join(outside)} not in {vip.network}: the VIP is reachable only if that"
                " network is on the same segment as the nodes",
            )


def pinned_images(cluster: Cluster) -> Broken:
    """A tag such as latest can mean different images on different nodes."""
    for key, image in (
        ("haproxy", cluster.images.haproxy),
        ("keepalived", cluster.images.keepalived),
    ):
        last = image.reference.rpartition("/")[2]
        if "@" not in last and (":" not in last or last.endswith(":latest")):
            yield (
                ("images", key, "reference"),
                "has no fixed version: nodes may get different images; add a tag or digest",
            )


def path_of_a_tcp_check(cluster: Cluster) -> Broken:
    """A tcp check uses no path."""
    for i, listener in enumerate(cluster.listeners):
        if listener.check.type == "tcp" and "path" in listener.check.model_fields_set:
            yield ("listeners", i, "check", "path"), "has no effect without type: https"


def sshd_at_22(cluster: Cluster) -> Broken:
    """The port of sshd is probably 22, unless the inventory or the ssh config sets another."""
    unset = any(not (n.ssh.port or cluster.ssh.port or n.ssh.host) for n in cluster.nodes)
    for i, listener in enumerate(cluster.listeners):
        if listener.port == 22 and unset:
            yield ("listeners", i, "port"), "22 is the default port of sshd"


def backends_at_the_vip(cluster: Cluster) -> Broken:
    """A VIP as a backend means the node that holds it."""
    vips = {vip.ip for vip in cluster.vip}
    for i, listener in enumerate(cluster.listeners):
        for j, (_, address, _) in enumerate(backends_of(cluster, listener)):
            if listener.backends and address in vips:
                yield (
                    ("listeners", i, "backends", j),
                    f"{address} is the VIP: it leads to the current holder, not to another server",
                )


def silent_watches(cluster: Cluster) -> Broken:
    """client-go sends a ping over an idle connection after 30 s, and waits 15 s for the answer.

    See HTTP2_READ_IDLE_TIMEOUT_SECONDS and HTTP2_PING_TIMEOUT_SECONDS of k8s.io/apimachinery.
    """
    for i, listener in enumerate(cluster.listeners):
        for side in ("client", "server"):
            silence: str = getattr(listener.timeouts, side)
            if milliseconds(silence) < SILENCE_MILLISECONDS:
                yield (
                    ("listeners", i, "timeouts", side),
                    f"ends connections that are idle for {silence}, such as watches and "
                    "`kubectl logs -f`; set it to at least a minute, better to hours",
                )


RULES = (
    more_than_one_node,
    own_router_id,
    nodes_in_the_vips_network,
    pinned_images,
    path_of_a_tcp_check,
    sshd_at_22,
    backends_at_the_vip,
    silent_watches,
)
