"""What works but deserves a warning."""

from __future__ import annotations

from hadeploy.inventory.cluster import Cluster, backends_of
from hadeploy.inventory.fields import milliseconds
from hadeploy.inventory.rules.addresses import Broken

SILENCE_MILLISECONDS = 60_000


def more_than_one_node(cluster: Cluster) -> Broken:
    """One node is fine for trying out."""
    if len(cluster.nodes) == 1:
        yield ("nodes",), "a single node: good for trying out, but nothing takes over when it fails"


def own_router_id(cluster: Cluster) -> Broken:
    """Two clusters of one virtual_router_id on a segment fight for their VIPs."""
    if cluster.vrrp.virtual_router_id == 51:
        yield (
            ("vrrp", "virtual_router_id"),
            "51 is in every keepalived example; a stranger on the segment may have it, too",
        )


def nodes_in_the_vips_network(cluster: Cluster) -> Broken:
    """With a prefix, the VIP says which network it means."""
    for i, vip in enumerate(cluster.vip):
        outside = [node.label for node in cluster.nodes if node.address not in vip.network]
        if vip in cluster.excluded_vips:
            # The nodes' addresses of that family are not in the inventory.
            continue
        if vip.network.prefixlen < vip.max_prefixlen and outside:
            yield (
                ("vip", i),
                f"{', '.join(outside)} not in {vip.network}: the VIP will answer only if that"
                " network is on the same segment as the nodes",
            )


def pinned_images(cluster: Cluster) -> Broken:
    """An image that changes under its name makes nodes differ."""
    for key, image in (
        ("haproxy", cluster.images.haproxy),
        ("keepalived", cluster.images.keepalived),
    ):
        last = image.reference.rpartition("/")[2]
        if "@" not in last and (":" not in last or last.endswith(":latest")):
            yield (
                ("images", key, "reference"),
                "names no fixed version: nodes may end up with different ones; add a tag or digest",
            )


def path_of_a_tcp_check(cluster: Cluster) -> Broken:
    """A tcp check asks for no path."""
    for i, listener in enumerate(cluster.listeners):
        if listener.check.type == "tcp" and "path" in listener.check.model_fields_set:
            yield ("listeners", i, "check", "path"), "has no effect without type: https"


def sshd_at_22(cluster: Cluster) -> Broken:
    """The inventory may leave sshd's port to the ssh config, so 22 is only likely."""
    unsaid = any(not (n.ssh.port or cluster.ssh.port or n.ssh.host) for n in cluster.nodes)
    for i, listener in enumerate(cluster.listeners):
        if listener.port == 22 and unsaid:
            yield ("listeners", i, "port"), "22 is sshd's port, unless yours has moved"


def backends_at_the_vip(cluster: Cluster) -> Broken:
    """A VIP as a backend is whichever node holds it."""
    vips = {vip.ip for vip in cluster.vip}
    for i, listener in enumerate(cluster.listeners):
        for j, (_, address, _) in enumerate(backends_of(cluster, listener)):
            if listener.backends and address in vips:
                yield (
                    ("listeners", i, "backends", j),
                    f"{address} is the VIP: this is whichever node holds it, not one more server",
                )


def silent_watches(cluster: Cluster) -> Broken:
    """client-go asks a silent connection for a sign of life after 30 s, and waits 15 s for it.

    HTTP2_READ_IDLE_TIMEOUT_SECONDS and HTTP2_PING_TIMEOUT_SECONDS of k8s.io/apimachinery.
    """
    for i, listener in enumerate(cluster.listeners):
        for side in ("client", "server"):
            silence: str = getattr(listener.timeouts, side)
            if milliseconds(silence) < SILENCE_MILLISECONDS:
                yield (
                    ("listeners", i, "timeouts", side),
                    f"cuts connections that are silent for {silence}, such as watches and "
                    "`kubectl logs -f`: give it a minute at least, better hours",
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
