"""Other clusters of hadeploy on a node, from their records and labels. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from hadeploy.inventory.fields import NAME
from hadeploy.observe.container import ObservedContainer
from hadeploy.scripts.protocol import Reply

UNNAMED = "(unnamed)"


@dataclass(frozen=True)
class OtherCluster:
    """A cluster of hadeploy on the same node, with another name.

    Attributes:
        containers: those with its label.
        root: its folder; "" without a record, and then the following fields are empty.
        vips: addresses, without prefixes.
        adverts_over_ipv6: whether it sends adverts over IPv6.
        virtual_router_id: 1 to 255; 0 without a record.
        interface: of its VRRP instance.
        ports: all ports of its haproxy.
        container_names: of haproxy and keepalived.
    """

    name: str
    containers: tuple[ObservedContainer, ...] = ()
    root: str = ""
    vips: tuple[str, ...] = ()
    adverts_over_ipv6: bool = False
    virtual_router_id: int = 0
    interface: str = ""
    ports: tuple[int, ...] = ()
    container_names: tuple[str, str] = ("", "")

    @property
    def starts(self) -> bool:
        """Whether it has containers, running or stopped: its next `up` would start them."""
        return bool(self.containers)

    def has(self, container: str) -> bool:
        """Whether the container with that id belongs to it."""
        return any(own.id == container for own in self.containers)


def parse_other_clusters(
    reply: Reply, containers: Iterable[ObservedContainer]
) -> tuple[OtherCluster, ...]:
    """Every other cluster with a record or a labelled container, sorted by name.

    Args:
        reply: of observe.sh.
        containers: those with the label of another cluster.
    """
    found: dict[str, OtherCluster] = {}
    for message in reply.all("cluster-record"):
        from hadeploy.observe.other_records import parse_other_record  # noqa: PLC0415

        try:
            content = base64.b64decode(message.text)
        except binascii.Error:
            continue
        other = parse_other_record(" ".join(message.words), content)
        if other is not None:
            found[other.name] = other
    for container in containers:
        label = container.cluster or ""
        name = label if re.match(NAME, label) else UNNAMED
        known = found.get(name, OtherCluster(name))
        found[name] = replace(known, containers=(*known.containers, container))
    return tuple(found[name] for name in sorted(found))
