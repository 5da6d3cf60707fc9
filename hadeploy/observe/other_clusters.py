"""Other clusters of hadeploy on a node, from their records and labels. Pure.

What they say comes from the node, so each value is checked here, where it enters.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from pydantic import BaseModel, ConfigDict, Field, IPvAnyAddress, IPvAnyInterface, ValidationError

from hadeploy.inventory.fields import CONTAINER_NAME, INTERFACE_NAME, NAME
from hadeploy.observe.model import ObservedContainer
from hadeploy.transport.protocol import Reply

UNNAMED = "(unnamed)"


@dataclass(frozen=True)
class OtherCluster:
    """A cluster of hadeploy on the same node, with another name.

    Attributes:
        containers: those that carry its label.
        root: its folder; "" if no record of it was found, and then all that follows is empty.
        vips: addresses, without prefixes.
        virtual_router_id: 1 to 255; 0 without a record.
        interface: where its keepalived speaks.
        ports: all that its haproxy listens on.
        container_names: of haproxy and keepalived.
    """

    name: str
    containers: tuple[ObservedContainer, ...] = ()
    root: str = ""
    vips: tuple[str, ...] = ()
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


class _Part(BaseModel):
    model_config = ConfigDict(strict=True)


class _Listener(_Part):
    port: int = Field(ge=1, le=65535)


class _Haproxy(_Part):
    health_port: int = Field(ge=1, le=65535)
    metrics: _Listener | None = None


class _Vrrp(_Part):
    virtual_router_id: int = Field(ge=1, le=255)


class _Containers(_Part):
    haproxy: str | None = Field(None, pattern=CONTAINER_NAME)
    keepalived: str | None = Field(None, pattern=CONTAINER_NAME)


class _Inventory(_Part):
    name: str = Field(pattern=NAME)
    vip: list[str] = Field(max_length=255)
    listeners: list[_Listener] = Field(max_length=1000)
    haproxy: _Haproxy
    vrrp: _Vrrp
    containers: _Containers = _Containers()


class _Record(_Part):
    vips: list[str] = Field(max_length=255)
    interface: str = Field(pattern=INTERFACE_NAME)
    inventory: _Inventory


class _Addresses(BaseModel):
    vips: list[IPvAnyAddress | IPvAnyInterface]


def parse_other_record(path: str, content: bytes) -> OtherCluster | None:
    """A record that belongs to another cluster; None if it is not one.

    Args:
        path: of the file on the node.
        content: all of it.
    """
    try:
        record = _Record.model_validate_json(content)
        vips = _Addresses(vips=[vip.partition("/")[0] for vip in record.vips]).vips
    except (ValidationError, ValueError, RecursionError):
        return None
    inventory = record.inventory
    metrics = inventory.haproxy.metrics
    return OtherCluster(
        name=inventory.name,
        root=path.rpartition("/")[0],
        vips=tuple(str(vip) for vip in vips),
        virtual_router_id=inventory.vrrp.virtual_router_id,
        interface=record.interface,
        ports=(
            *(listener.port for listener in inventory.listeners),
            inventory.haproxy.health_port,
            *([metrics.port] if metrics else []),
        ),
        container_names=(
            inventory.containers.haproxy or f"{inventory.name}-haproxy",
            inventory.containers.keepalived or f"{inventory.name}-keepalived",
        ),
    )


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
