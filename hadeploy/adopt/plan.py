"""The plan that takes over a cluster set up by hand, node by node. Pure.

New nodes use the VRRP settings of the old cluster (see `intermediate`), so old and new nodes accept
each other's adverts. The holder comes last and hands the VIP over to a new node.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hadeploy.adopt.backend_ports import configuration_of
from hadeploy.adopt.classic import Classic
from hadeploy.adopt.difference import Difference, accepts, block, together
from hadeploy.adopt.haproxy_differences import haproxy_differences
from hadeploy.adopt.keepalived_differences import keepalived_differences
from hadeploy.adopt.recognise import ByHand
from hadeploy.config_files.haproxy_listener import Configuration
from hadeploy.config_files.haproxy_servers import read_servers
from hadeploy.desired import layout
from hadeploy.desired.desired_node import DesiredNode, configuration_id
from hadeploy.inventory.cluster import Cluster, backends_of
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.binds import Bind, binds_of, ports_at
from hadeploy.plan.diff import node_steps, record_step
from hadeploy.plan.order import holders, rolling_order
from hadeploy.plan.redacted_diff import difference
from hadeploy.plan.removed import ports_removed
from hadeploy.plan.steps import Impact, NodePlan, Plan, Step

FILES = {"haproxy": layout.HAPROXY_CFG, "keepalived": layout.KEEPALIVED_CONF}


def adopt_plan(
    inventory: Cluster,
    cluster: Cluster,
    desired: Mapping[str, DesiredNode],
    observed: Mapping[str, ObservedNode],
    found: Mapping[str, ByHand],
    classics: Mapping[str, Classic],
) -> Plan:
    """The turns of all nodes, including those that are taken over already.

    Args:
        inventory: the final configuration.
        cluster: the inventory with the VRRP settings of the old cluster.
        desired: by node label.
        observed: by node label.
        found: the containers that were set up by hand, by label of the old nodes.
        classics: the VRRP instances of the old nodes, by label.
    """
    holding = holders([str(vip.ip) for vip in cluster.vip], observed.values())
    order = rolling_order({node: d.priority for node, d in desired.items()}, holding)
    turns = []
    for node in order:
        steps = node_steps(cluster, desired[node], observed[node])
        if node in found:
            steps = [*_before(found[node], desired[node], node in holding), *steps]
        configuration = configuration_id(desired)
        recorded = record_step(desired[node], observed[node], configuration, changed=bool(steps))
        turns.append(NodePlan(node, (*steps, *recorded), node in holding))
    return Plan(
        tuple(turns),
        warnings=tuple(_expectations(inventory, desired, found, classics)),
        removes=tuple(_removes(inventory, found, classics)),
    )


def _removes(
    inventory: Cluster, found: Mapping[str, ByHand], classics: Mapping[str, Classic]
) -> Iterator[str]:
    """The ports of the old haproxy that the inventory does not have, without its statistics."""
    vips = dict.fromkeys(vip for classic in classics.values() for vip in sorted(classic.addresses))
    served: dict[str, dict[int, str]] = {vip: {} for vip in vips}
    for by_hand in found.values():
        binds = [bind for bind in _binds(by_hand) if not bind.statistics]
        for vip, ports in served.items():
            ports |= {
                port: name
                for port, name in ports_at(binds, vip).items()
                if port not in inventory.haproxy_ports
            }
    yield from ports_removed(inventory, served)


def _binds(by_hand: ByHand) -> tuple[Bind, ...]:
    """The addresses and ports of the old haproxy on the node."""
    if by_hand.haproxy is None:
        return ()
    theirs = configuration_of(by_hand.haproxy)
    context = theirs.context
    return tuple(
        bind
        for section in theirs.found
        for bind in binds_of(section, context.environment, context.names, context.published)
    )


def _before(found: ByHand, desired: DesiredNode, holder: bool) -> Iterator[Step]:
    parts = sorted(found.parts, key=lambda part: part.role != "keepalived")
    for part in parts:
        file = desired.file(FILES[part.role])
        diff = difference(part.config, file.content, file.path, "set up by hand")
        reason = f"its files are copied to adopted/{part.role}; nothing is removed"
        yield Step("keep-aside", part.container.name, reason, role=part.role, diff=diff)
    for part in parts:
        hands_over = holder and part.role == "keepalived"
        yield Step(
            "stop-container",
            part.container.name,
            "its VIP is handed over to a node of this cluster"
            if hands_over
            else f"the new {part.role} replaces it",
            Impact.HANDOVER if hands_over else Impact.NONE,
            part.role,
        )


def _expectations(
    inventory: Cluster,
    desired: Mapping[str, DesiredNode],
    found: Mapping[str, ByHand],
    classics: Mapping[str, Classic],
) -> Iterator[str]:
    yield (
        "Old and new nodes use the same VRRP settings during the takeover. Open connections are "
        "cut when the VIP moves to the first new node; new ones are answered."
    )
    unique: dict[Difference, None] = {}
    for node, by_hand in found.items():
        unique |= dict.fromkeys(differences(inventory, desired[node], by_hand, classics))
    yield from (f"Differs: {difference.sentence}" for difference in unique)
    kept = together(difference.keep for difference in unique if difference.keep is not None)
    if kept and accepts(inventory, kept):
        yield "To keep all of that, merge this into the inventory:\n" + "\n".join(block(kept))
    for node, by_hand in found.items():
        for other in by_hand.beside:
            yield f"{node}: the haproxy in container {other.container.name} continues unchanged."


def differences(
    inventory: Cluster,
    desired: DesiredNode,
    by_hand: ByHand,
    classics: Mapping[str, Classic],
) -> Iterator[Difference]:
    """The differences that a takeover makes on a node.

    Args:
        inventory: the final configuration.
        desired: the desired state of the node.
        by_hand: the old containers on the node.
        classics: the VRRP instances of the old nodes, by label.
    """
    ours = desired.file(FILES["keepalived"]).content
    yield from keepalived_differences(inventory, desired.node, classics, ours)
    if by_hand.haproxy is not None:
        theirs = configuration_of(by_hand.haproxy)
        ours = desired.file(FILES["haproxy"]).content
        yield from haproxy_differences(inventory, theirs, ours)


def settings_changed(cluster: Cluster, desired: DesiredNode, by_hand: ByHand) -> list[str]:
    """The settings of haproxy that change: `listeners[0].backend_port: OLD -> NEW` first.

    Args:
        desired: the desired state of the node.
        by_hand: the old containers on the node.
    """
    if by_hand.haproxy is None:
        return []
    theirs = configuration_of(by_hand.haproxy)
    ours = desired.file(FILES["haproxy"]).content
    others = [difference.what for difference in haproxy_differences(cluster, theirs, ours)]
    return [*_backend_ports(cluster, theirs), *others]


def _backend_ports(cluster: Cluster, theirs: Configuration) -> Iterator[str]:
    for number, listener in enumerate(cluster.listeners):
        served = theirs.served(listener.port)
        if served is None:
            continue
        servers = read_servers(served.back_lines, theirs.context.environment)
        before = {port for server in servers for port in server.at.some or (listener.port,)}
        after = {port for _, _, port in backends_of(cluster, listener)}
        if len(before) == 1 and after == {listener.backend_port} and after != before:
            key = f"listeners[{number}].backend_port"
            yield f"{key}: {before.pop()} -> {listener.backend_port}"
