"""Recognition of a cluster that was set up by hand. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hadeploy.adopt.classic import Classic, Refused, addresses_in, read_classic
from hadeploy.errors import ExitCode, HadeployError, NodesError
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.observed_node import Foreign, ObservedNode, Socket
from hadeploy.observe.published import serves


@dataclass(frozen=True)
class ByHand:
    """The containers on one node of a cluster that was set up by hand.

    Attributes:
        keepalived: the container of its keepalived.
        haproxy: the haproxy on the listeners' ports, or in front of the inventory's backends; None
            for none.
        ports: the ports of listeners that it has.
        vips: the VIPs in its keepalived.conf.
        other_ports: other ports on which it serves the inventory's backends.
        beside: haproxy containers of other users, which hadeploy never touches.
    """

    keepalived: Foreign
    haproxy: Foreign | None
    ports: tuple[int, ...]
    vips: frozenset[str]
    other_ports: tuple[int, ...] = ()
    beside: tuple[Foreign, ...] = ()

    @property
    def elsewhere(self) -> bool:
        """Whether it serves the backends on other ports only, whose clients would be refused."""
        return self.haproxy is not None and not self.ports

    @property
    def parts(self) -> tuple[Foreign, ...]:
        """Its containers."""
        return (self.keepalived,) if self.haproxy is None else (self.haproxy, self.keepalived)

    def has(self, container: str) -> bool:
        """Whether the container with that id is one of them."""
        return any(part.container.id == container for part in self.parts)

    def owns(self, socket: Socket) -> bool:
        """Whether only its haproxy has that socket, which is free after the takeover."""
        return self.haproxy is not None and serves(self.haproxy, socket)


def recognise(cluster: Cluster, state: ObservedNode) -> ByHand | None:
    """The cluster set up by hand on a node; None if it is not certain.

    It consists of one keepalived in a foreign container with a readable configuration, and of one
    such haproxy on the listeners' ports. Without haproxy, keepalived must have a VIP of the
    inventory.
    """
    keepaliveds = [f for f in state.foreign if f.role == "keepalived" and f.config]
    ours = {str(vip.ip) for vip in cluster.vip}
    with_our_vip = [f for f in keepaliveds if _vips(f) & ours]
    everywhere = [f for f in state.foreign if f.role == "haproxy" and f.config]
    haproxies = [f for f in everywhere if _ports(cluster, state, f)]
    candidates = with_our_vip or (keepaliveds if haproxies else [])
    if len(candidates) != 1 or len(haproxies) > 1:
        return None
    # Imported only if there may be an old haproxy.
    from hadeploy.adopt.backend_ports import ports_of_backends  # noqa: PLC0415

    if not haproxies and with_our_vip:
        haproxies = [f for f in everywhere if ports_of_backends(cluster, f)]
    haproxy = haproxies[0] if len(haproxies) == 1 else None
    ports = _ports(cluster, state, haproxy)
    return ByHand(
        candidates[0],
        haproxy,
        ports,
        _vips(candidates[0]),
        tuple(p for p in ports_of_backends(cluster, haproxy) if p not in ports) if haproxy else (),
        tuple(f for f in everywhere if f is not haproxy),
    )


def recognise_all(cluster: Cluster, observed: Mapping[str, ObservedNode]) -> dict[str, ByHand]:
    """The same for every node with such a cluster, by label."""
    found = {node: recognise(cluster, state) for node, state in observed.items()}
    return {node: by_hand for node, by_hand in found.items() if by_hand is not None}


def with_adopt(
    cluster: Cluster, observed: Mapping[str, ObservedNode], hints: Sequence[str | None]
) -> list[str | None]:
    """Hints with `hadeploy up --adopt` instead of `hadeploy up`, if an old node is left.

    Args:
        observed: by node label.
        hints: the hints without --adopt; None stays None.
    """
    if not any(state.foreign and recognise(cluster, state) for state in observed.values()):
        return list(hints)
    return [hint and hint.replace("`hadeploy up`", "`hadeploy up --adopt`") for hint in hints]


def read_classics(found: Mapping[str, ByHand]) -> dict[str, Classic]:
    """The VRRP instance of every old node.

    Args:
        found: by node label.

    Raises:
        NodesError: with every reason why the cluster cannot be taken over.
    """
    read = {}
    errors: list[HadeployError] = []
    for node, by_hand in found.items():
        errors += [
            HadeployError(
                f"the engine removes {part.container.name} when it stops (docker run --rm)",
                node=node,
                operation="reading the cluster set up by hand",
                hint="a restore would need it: start it again without --rm first",
                code=ExitCode.UNREACHABLE,
            )
            for part in by_hand.parts
            if part.container.raw.get("HostConfig", {}).get("AutoRemove")
        ]
        part = by_hand.keepalived
        try:
            read[node] = read_classic(part.config.decode("utf-8", "replace"))
        except Refused as refused:
            errors += [
                HadeployError(
                    f"{part.path} in {part.container.name} {what}",
                    node=node,
                    operation="reading the cluster set up by hand",
                    hint=hint,
                    code=ExitCode.UNREACHABLE,
                )
                for what, hint in refused.reasons
            ]
    if errors:
        raise NodesError(errors)
    return read


def problem_and_hint(cluster: Cluster, by_hand: ByHand) -> tuple[str, str]:
    """The message and the hint for a node with a cluster that was set up by hand."""
    ours = {str(vip.ip) for vip in cluster.vip}
    ports = " and ".join(f"port {port}" for port in by_hand.ports)
    names = " and ".join(f"{p.container.name} ({p.container.image})" for p in by_hand.parts)
    containers = f"{'containers' if by_hand.haproxy else 'container'} {names}"
    served = " and ".join(text for text in (ports, "the VIP") if text)
    if ours & by_hand.vips and by_hand.elsewhere:
        return _elsewhere(cluster, by_hand)
    if ours & by_hand.vips:
        are = "are" if ports else "is"
        return (
            f"{served} {are} served by a cluster set up by hand: {containers}",
            "take it over, node by node: `hadeploy up --adopt`",
        )
    others = ", ".join(sorted(by_hand.vips)) or "none"
    return (
        f"{ports} is served by a cluster set up by hand, whose VIP is {others}: {containers}",
        "to take it over, set `vip` to its VIP and run `hadeploy up --adopt`",
    )


def _elsewhere(cluster: Cluster, by_hand: ByHand) -> tuple[str, str]:
    names = " and ".join(f"{p.container.name} ({p.container.image})" for p in by_hand.parts)
    theirs = " and ".join(str(port) for port in by_hand.other_ports)
    ours = " and ".join(str(listener.port) for listener in cluster.listeners)
    return (
        f"the VIP is served by a cluster set up by hand, on port {theirs}; the inventory has "
        f"{ours}: containers {names}",
        f"its clients use port {by_hand.other_ports[0]}: set "
        f"`listeners: [{{port: {by_hand.other_ports[0]}}}]` and run `hadeploy up --adopt`; "
        "you can change the port afterwards",
    )


def _vips(part: Foreign) -> frozenset[str]:
    return addresses_in(part.config.decode("utf-8", "replace"))


def _ports(cluster: Cluster, state: ObservedNode, haproxy: Foreign | None) -> tuple[int, ...]:
    if haproxy is None:
        return ()
    return tuple(
        listener.port
        for listener in cluster.listeners
        if any(serves(haproxy, socket) for socket in state.listeners(listener.port))
    )
