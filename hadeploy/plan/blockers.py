"""What stands in the way of a plan; all of it at once, before anything is touched. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hadeploy.errors import ExitCode, HadeployError
from hadeploy.inventory.model import Cluster, Node
from hadeploy.observe.model import ObservedNode

NEEDED = ("ip", "ss", "bash", "timeout", "base64", "sha256sum")


def blockers(cluster: Cluster, observed: Mapping[str, ObservedNode]) -> list[HadeployError]:
    """Everything that would make the plan fail on the nodes that were observed."""
    found = []
    for node in cluster.nodes:
        if node.label in observed:
            found += list(_of_node(cluster, node, observed[node.label]))
    return found


def interface_of(node: Node, observed: ObservedNode) -> str | None:
    """The interface for the VIP: the inventory's, else the one that carries the node's address."""
    return node.interface or observed.interface_of(str(node.address))


def _of_node(cluster: Cluster, node: Node, observed: ObservedNode) -> Iterator[HadeployError]:
    def blocker(what: str, hint: str, detail: str | None = None) -> HadeployError:
        return HadeployError(
            what,
            node=node.label,
            doing="checking the node",
            hint=hint,
            detail=detail,
            code=ExitCode.UNREACHABLE,
        )

    lacking = [tool for tool in NEEDED if tool in observed.missing]
    if lacking:
        yield blocker(
            f"lacks {', '.join(lacking)}",
            "install iproute2, bash and coreutils there",
        )
    if "docker" in observed.missing:
        yield blocker("Docker is not installed", "install it: https://docs.docker.com/engine/")
    elif observed.docker is None:
        yield blocker(
            "the Docker engine does not answer",
            "start it (systemctl start docker), or let this user use sudo",
            observed.docker_error,
        )
    carrier = observed.interface_of(str(node.address))
    if carrier is None:
        has = ", ".join(
            f"{a.address} ({a.interface})" for a in observed.addresses if a.interface != "lo"
        )
        yield blocker(
            f"does not have the address {node.address}; it has {has}",
            "set nodes[].address to the node's own address, and ssh.host to where SSH reaches it",
        )
    if node.interface and node.interface not in {a.interface for a in observed.addresses}:
        yield blocker(
            f"has no interface {node.interface} with an address", "correct nodes[].interface"
        )
    yield from (blocker(*problem) for problem in _containers_and_ports(cluster, observed))


def _containers_and_ports(cluster: Cluster, observed: ObservedNode) -> Iterator[tuple[str, str]]:
    for name in cluster.container_names:
        container = observed.container(name)
        if container is not None and container.cluster != cluster.name:
            yield (
                f"a container named {name} exists and is not ours (image {container.image})",
                "rename it, or choose other names under `containers:`",
            )
    haproxy = observed.container(cluster.container_names[0])
    ours = haproxy is not None and haproxy.running
    ports = [listener.port for listener in cluster.listeners] + [cluster.haproxy.health_port]
    for port in ports:
        for socket in observed.listeners(port):
            if ours and {name for name, _ in socket.owners} <= {"haproxy"}:
                continue
            owner = ", ".join(f"{name} (pid {pid})" for name, pid in socket.owners)
            yield (
                f"port {port} is taken by {owner or 'a process that it does not name'}",
                "stop it, or choose another port (k0s, for one, uses 9443 itself)",
            )
