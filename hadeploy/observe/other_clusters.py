"""Other clusters of hadeploy on a node, from their records and labels. Pure.

What they say comes from the node, so each value is checked here, where it enters.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from hadeploy.inventory.fields import NAME
from hadeploy.observe.observed_node import ObservedContainer
from hadeploy.scripts.protocol import Reply

UNNAMED = "(unnamed)"


@dataclass(frozen=True)
class OtherCluster:
    """A cluster of hadeploy on the same node, with another name.

    Attributes:
        containers: those that carry its label.
        root: its folder; "" if no record of it was found, and then all that follows is empty.
        vips: addresses, without prefixes.
        speaks_ipv6: whether its adverts are of that family.
        virtual_router_id: 1 to 255; 0 without a record.
        interface: where its keepalived speaks.
        ports: all that its haproxy listens on.
        container_names: of haproxy and keepalived.
    """

    name: str
    containers: tuple[ObservedContainer, ...] = ()
    root: str = ""
    vips: tuple[str, ...] = ()
    speaks_ipv6: bool = False
    virtual_router_id: int = 0
    interface: str = ""
    ports: tuple[int, ...] = ()
    container_names: tuple[str, str] = ("", "")

    @property
    def starts(self) -> bool:
        """Whether a container of it is there, running or not: its next `up` would start it."""
        return bool(self.containers)

    def has(self, container: str) -> bool:
        """Whether the container of that id is one of its."""
        return any(there.id == container for there in self.containers)


def parse_other_clusters(
    reply: Reply, containers: Iterable[ObservedContainer]
) -> tuple[OtherCluster, ...]:
    """Every other cluster that a record or a label names, by name.

    Args:
        reply: of observe.sh.
        containers: those that carry the label of another cluster.
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
