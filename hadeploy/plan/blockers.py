"""What stands in the way of a plan; all of it at once, before anything is touched. Pure."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterator, Mapping

from hadeploy.adopt.recognise import recognise, words
from hadeploy.errors import ExitCode, HadeployError
from hadeploy.inventory.model import Cluster, Node
from hadeploy.inventory.parts import Image
from hadeploy.observe.model import ObservedNode

NEEDED = ("ip", "ss", "bash", "timeout", "base64", "find", "stat", "install", "sync", "flock")


def blockers(
    cluster: Cluster, observed: Mapping[str, ObservedNode], *, adopt: bool = False
) -> list[HadeployError]:
    """Everything that would make the plan fail on the nodes that were observed.

    Args:
        cluster: the inventory.
        observed: by node label.
        adopt: whether a cluster that was set up by hand is taken over.
    """
    found = []
    for node in cluster.nodes:
        if node.label in observed:
            found += list(_of_node(cluster, node, observed[node.label], adopt))
    return found


def forgotten(
    cluster: Cluster, observed: Mapping[str, ObservedNode], allowed: Collection[str]
) -> list[HadeployError]:
    """Nodes that the records on the others name and the inventory does not.

    Such a node still runs: once its peers no longer tell it so, it takes the VIP for itself.

    Args:
        cluster: the inventory.
        observed: by node label.
        allowed: addresses that the user says are gone.
    """
    present = {str(node.address) for node in cluster.nodes} | set(allowed)
    gone = {m for look in observed.values() if look.applied for m in look.applied.members} - present
    return [
        HadeployError(
            f"{address} was a node of this cluster and is not in the inventory",
            doing="checking the nodes",
            hint="`hadeploy up --prune` stops it and removes what is ours there; "
            f"if it is gone for good: hadeploy up --forget {address}",
            code=ExitCode.UNREACHABLE,
        )
        for address in sorted(gone)
    ]


def interface_of(node: Node, observed: ObservedNode) -> str | None:
    """The interface for the VIP: the inventory's, else the one that carries the node's address."""
    return node.interface or observed.interface_of(str(node.address))


def addressless(cluster: Cluster, observed: Mapping[str, ObservedNode]) -> list[HadeployError]:
    """The one thing without which not even the desired state can be told."""
    return [
        _blocker(node, *problem)
        for node in cluster.nodes
        if node.label in observed
        for problem in _address(node, observed[node.label])
    ]


def _blocker(node: Node, what: str, hint: str, detail: str | None = None) -> HadeployError:
    return HadeployError(
        what,
        node=node.label,
        doing="checking the node",
        hint=hint,
        detail=detail,
        code=ExitCode.UNREACHABLE,
    )


def _address(node: Node, observed: ObservedNode) -> Iterator[tuple[str, str]]:
    if observed.interface_of(str(node.address)) is None:
        has = ", ".join(
            f"{a.address} ({a.interface})" for a in observed.addresses if a.interface != "lo"
        )
        yield (
            f"does not have the address {node.address}; it has {has}",
            "set nodes[].address to the node's own address, and ssh.host to where SSH reaches it",
        )
    if node.interface and node.interface not in {a.interface for a in observed.addresses}:
        yield f"has no interface {node.interface} with an address", "correct nodes[].interface"


def _of_node(
    cluster: Cluster, node: Node, observed: ObservedNode, adopt: bool
) -> Iterator[HadeployError]:
    blocker = functools.partial(_blocker, node)
    lacking = [tool for tool in NEEDED if tool in observed.missing]
    if lacking:
        yield blocker(
            f"lacks {', '.join(lacking)}",
            "install iproute2, bash, coreutils and util-linux there",
        )
    if "docker" in observed.missing:
        yield blocker("Docker is not installed", "install it: https://docs.docker.com/engine/")
    elif observed.docker is None:
        yield blocker(
            "the Docker engine does not answer",
            "start it (systemctl start docker), or let this user use sudo",
            observed.docker_error,
        )
    elif _too_old(observed.docker):
        yield blocker(f"Docker {observed.docker} is too old", "20.10 is the oldest that will do")
    if not observed.root:
        yield blocker("our scripts do not run as root there", "set ssh.sudo to auto or always")
    yield from (blocker(*problem) for problem in _address(node, observed))
    yield from (blocker(*problem) for problem in _containers_and_ports(cluster, observed, adopt))
    yield from (blocker(*problem) for problem in _images(cluster, observed))


def _containers_and_ports(
    cluster: Cluster, observed: ObservedNode, adopt: bool
) -> Iterator[tuple[str, str]]:
    by_hand = recognise(cluster, observed)
    if by_hand is not None and not adopt:
        yield words(cluster, by_hand)
    for name in cluster.container_names:
        container = observed.container(name)
        if by_hand is not None and container is not None and by_hand.has(container.id):
            continue
        if container is not None and container.cluster != cluster.name:
            yield (
                f"a container named {name} exists and is not ours (image {container.image})",
                "rename it, or choose other names under `containers:`",
            )
    haproxy = observed.ours_of(cluster.name, "haproxy")
    ports = [listener.port for listener in cluster.listeners] + [cluster.haproxy.health_port]
    for port in ports:
        for socket in observed.listeners(port):
            if socket.belongs_to(haproxy) or (by_hand is not None and by_hand.owns(socket)):
                continue
            owner = ", ".join(
                f"{owner.name} (pid {owner.pid}{', in a container' if owner.container else ''})"
                for owner in socket.owners
            )
            yield (
                f"port {port} is taken by {owner or 'a process that it does not name'}",
                "stop it, or choose another port (k0s, for one, uses 9443 itself)",
            )


def _images(cluster: Cluster, observed: ObservedNode) -> Iterator[tuple[str, str]]:
    for role in ("haproxy", "keepalived"):
        image: Image = getattr(cluster.images, role)
        if image.reference not in observed.images and image.pull == "never" and not image.archive:
            yield (
                f"{image.reference} is not on the node, and images.{role}.pull is never",
                f"load it there, or give images.{role}.archive",
            )


def _too_old(version: str) -> bool:
    """Whether an engine lacks what we ask of it (`docker run --pull`: 20.10)."""
    numbers = re.findall(r"\d+", version)[:2]
    return len(numbers) == 2 and (int(numbers[0]), int(numbers[1])) < (20, 10)
