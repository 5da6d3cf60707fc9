"""The inventory as frozen, validated values; the defaults suit three nodes.

`rules` validates combinations of fields (priorities, port conflicts, ...), `load` reads YAML and
locates errors, `listener` and `parts` contain the sections, `fields` the types of values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from hadeploy.inventory.fields import (
    Address,
    AddressWithPrefix,
    AlsoText,
    InterfaceName,
    IPAddress,
    IPInterface,
    Name,
    NodeName,
    Whole,
)
from hadeploy.inventory.listener import Backend, Check, Haproxy, Listener, Metrics, Timeouts
from hadeploy.inventory.parts import (
    Containers,
    Extra,
    HaproxyImage,
    Image,
    Images,
    KeepalivedImage,
    Model,
    NodeSsh,
    Paths,
    Registry,
    Ssh,
    Templates,
    Vrrp,
    VrrpCheck,
)

__all__ = [
    "Backend",
    "Check",
    "Cluster",
    "Containers",
    "Extra",
    "Haproxy",
    "HaproxyImage",
    "IPAddress",
    "IPInterface",
    "Image",
    "Images",
    "KeepalivedImage",
    "Listener",
    "Metrics",
    "Model",
    "Node",
    "NodeSsh",
    "Paths",
    "Registry",
    "Ssh",
    "Templates",
    "Timeouts",
    "Vrrp",
    "VrrpCheck",
    "backends_of",
]


def _as_list(value: object) -> Sequence[object]:
    return value if isinstance(value, (list, tuple)) else [value]


def _advertises_ipv6(data: Mapping[str, Any]) -> bool:
    """Whether the adverts contain IPv6 addresses; the inventory is not validated yet."""
    vips = [
        ":" in str(vip) for vip in _as_list(data.get("vip")) if not isinstance(vip, (dict, list))
    ]
    first = next(iter(_as_list(data.get("nodes"))), None)
    address = first.get("address") if isinstance(first, dict) else getattr(first, "address", first)
    return any(vips) and (all(vips) or ":" in str(address))


def _node_from_address(value: object) -> object:
    return {"address": value} if isinstance(value, str) else value


class Node(Model):
    """One load balancer host."""

    address: Address = Field(
        description="The node's own address, on the interface of the VIP; VRRP uses its family."
    )
    name: NodeName | None = Field(None, description="Default: the address.")
    interface: InterfaceName | None = Field(
        None, description="Default: the interface that carries the address."
    )
    priority: Whole | None = Field(
        None, ge=1, le=254, description="VRRP priority; default: by position, highest first."
    )
    ssh: NodeSsh = Field(NodeSsh(), description="SSH settings of this node.")

    @property
    def label(self) -> str:
        """The name in messages and in the router_id of keepalived."""
        return self.name or str(self.address)


_NodeForm = Annotated[Node, BeforeValidator(_node_from_address), AlsoText()]
_TEXT: dict[str, Any] = {"type": "string"}
_Vips = Annotated[
    tuple[AddressWithPrefix, ...],
    Field(min_length=1),
    BeforeValidator(_as_list),
    WithJsonSchema({"anyOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1}]}),
]


class Cluster(Model):
    """One inventory file."""

    name: Name = Field("kube-lb", description="Names the cluster, its folder and its containers.")
    vip: _Vips = Field(
        description="The virtual IP, or a list: IPv4, IPv6 or both; the /prefix is optional."
    )
    nodes: tuple[_NodeForm, ...] = Field(
        min_length=1,
        max_length=254,
        description="The nodes, the preferred one first; an address is enough for a node.",
    )
    ssh: Ssh = Field(Ssh(), description="How to connect to the nodes.")
    listeners: tuple[Listener, ...] = Field(
        (Listener(),), min_length=1, description="The ports and their backends."
    )
    haproxy: Haproxy = Field(Haproxy(), description="Settings of haproxy.")
    vrrp: Vrrp = Field(Vrrp(), description="The VRRP instance that holds the VIP.")
    images: Images = Field(Images(), description="The container images.")
    containers: Containers = Field(Containers(), description="Container names and limits.")
    paths: Paths = Field(Paths(), description="Paths on the nodes.")
    templates: Templates = Field(Templates(), description="Template overrides.")

    @model_validator(mode="before")
    @classmethod
    def _version_3_for_ipv6(cls, data: Any) -> Any:
        """IPv6 needs VRRP version 3 (RFC 5798), so that is its default."""
        if not isinstance(data, dict) or not _advertises_ipv6(data):
            return data
        vrrp = data.get("vrrp", {})
        if isinstance(vrrp, dict) and "version" not in vrrp:
            return {**data, "vrrp": {**vrrp, "version": 3}}
        if isinstance(vrrp, Vrrp) and "version" not in vrrp.model_fields_set:
            return {**data, "vrrp": vrrp.model_copy(update={"version": 3})}
        return data

    @property
    def advert_family(self) -> int:
        """The address family of VRRP adverts, 4 or 6: that of the nodes' addresses."""
        return self.nodes[0].address.version

    @property
    def advertised_vips(self) -> tuple[IPInterface, ...]:
        """The VIPs of the address family of the adverts, which list them."""
        return tuple(vip for vip in self.vip if vip.version == self.advert_family)

    @property
    def excluded_vips(self) -> tuple[IPInterface, ...]:
        """The VIPs of the other address family; they move with the advertised VIPs.

        An advert contains addresses of one family (keepalived.conf(5), virtual_ipaddress).
        """
        return tuple(vip for vip in self.vip if vip.version != self.advert_family)

    @property
    def root(self) -> str:
        """The folder of the cluster on every node."""
        return f"{self.paths.root}/{self.name}"

    @property
    def container_names(self) -> tuple[str, str]:
        """The names of the haproxy and the keepalived container."""
        return (
            self.containers.haproxy or f"{self.name}-haproxy",
            self.containers.keepalived or f"{self.name}-keepalived",
        )

    @property
    def haproxy_ports(self) -> tuple[int, ...]:
        """All ports on which haproxy listens on every node."""
        metrics = self.haproxy.metrics
        own = (self.haproxy.health_port, *([metrics.port] if metrics else []))
        return (*(listener.port for listener in self.listeners), *own)

    def node(self, label: str) -> Node:
        """The node with that label.

        Raises:
            KeyError: no node has it.
        """
        for node in self.nodes:
            if node.label == label:
                return node
        raise KeyError(label)


def backends_of(cluster: Cluster, listener: Listener) -> Sequence[tuple[str, IPAddress, int]]:
    """A listener's servers with all defaults: (name, address, port).

    A server without a name gets the label of the node with that address, made unique: haproxy
    refuses two servers with one name.
    """
    labels = {node.address: node.label.replace(":", "-") for node in cluster.nodes}
    given = listener.backends or tuple(Backend(address=node.address) for node in cluster.nodes)
    used = {backend.name for backend in given}
    servers = []
    for i, backend in enumerate(given, 1):
        port = backend.port or listener.backend_port
        derived = labels.get(backend.address, f"server-{i}")
        candidates = (derived, f"{derived}-{port}", f"{derived}-{port}-{i}")
        name = backend.name or next(c for c in (*candidates, f"server-{i}-{i}") if c not in used)
        used.add(name)
        servers.append((name, backend.address, port))
    return servers
