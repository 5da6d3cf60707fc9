"""The record of another cluster of hadeploy on a node. Pure.

A separate module, because building its models takes longer than an observation without such a
record.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, IPvAnyAddress, IPvAnyInterface, ValidationError

from hadeploy.inventory.fields import CONTAINER_NAME, INTERFACE_NAME, NAME
from hadeploy.observe.other_clusters import OtherCluster


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
    members: list[IPvAnyAddress] = Field([], max_length=254)
    inventory: _Inventory


class _Addresses(BaseModel):
    vips: list[IPvAnyAddress | IPvAnyInterface]


def parse_other_record(path: str, content: bytes) -> OtherCluster | None:
    """The cluster of a record; None if it is invalid.

    Args:
        path: of the file on the node.
        content: of the file.
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
        adverts_over_ipv6=any(member.version == 6 for member in record.members or vips),
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
