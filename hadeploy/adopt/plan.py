"""The plan that takes a cluster set up by hand over, node by node. Pure.

Ours speak the other's language on the way (see `intermediate`), so old and new nodes hear each
other all the time; the holder comes last, and hands the VIP to one of ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hadeploy.adopt.classic import Classic
from hadeploy.adopt.differences import haproxy_differences, keepalived_differences
from hadeploy.adopt.recognise import ByHand
from hadeploy.adopt.sections import sections
from hadeploy.desired import layout
from hadeploy.desired.model import DesiredNode, configuration_id
from hadeploy.inventory.model import Cluster
from hadeploy.observe.model import ObservedNode
from hadeploy.plan.diff import node_steps, record_step
from hadeploy.plan.model import Impact, NodePlan, Plan, Step
from hadeploy.plan.order import holders, rolling_order
from hadeploy.plan.removed import ports_removed
from hadeploy.plan.texts import difference

FILES = {"haproxy": layout.HAPROXY_CFG, "keepalived": layout.KEEPALIVED_CONF}


def adopt_plan(
    inventory: Cluster,
    cluster: Cluster,
    desired: Mapping[str, DesiredNode],
    observed: Mapping[str, ObservedNode],
    found: Mapping[str, ByHand],
    classics: Mapping[str, Classic],
) -> Plan:
    """The turns of all nodes, whoever is ours already included.

    Args:
        inventory: what is wanted in the end.
        cluster: the inventory in the other's language.
        desired: by node label.
        observed: the same nodes.
        found: what was set up by hand, on the nodes where it still is.
        classics: what its keepalived says, on the same nodes.
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
        expects=tuple(_expectations(inventory, found, classics)),
        removes=tuple(_removes(inventory, found, classics)),
    )


def _removes(
    inventory: Cluster, found: Mapping[str, ByHand], classics: Mapping[str, Classic]
) -> Iterator[str]:
    """The ports of their haproxy that ours does not have; not those of its own statistics."""
    texts = [by_hand.haproxy.config for by_hand in found.values() if by_hand.haproxy is not None]
    served = {
        port: section.name.partition(" ")[0]
        for text in texts
        for section in sections(text.decode("utf-8", "replace"))
        if section.kind in ("frontend", "listen") and not section.all("stats")
        for port in section.ports
    }
    others = {port: name for port, name in served.items() if port not in inventory.haproxy_ports}
    vips = dict.fromkeys(vip for classic in classics.values() for vip in sorted(classic.addresses))
    yield from ports_removed(inventory, others, list(vips))


def _before(found: ByHand, desired: DesiredNode, holder: bool) -> Iterator[Step]:
    parts = sorted(found.parts, key=lambda part: part.role != "keepalived")
    for part in parts:
        file = desired.file(FILES[part.role])
        diff = difference(part.config, file.content, file.path, "set up by hand")
        reason = f"what it ran goes to adopted/{part.role}; nothing of it is removed"
        yield Step("keep-aside", part.container.name, reason, role=part.role, diff=diff)
    for part in parts:
        hands_over = holder and part.role == "keepalived"
        yield Step(
            "stop-container",
            part.container.name,
            "its VIP goes to a node of ours" if hands_over else "ours takes its place",
            Impact.HANDOVER if hands_over else Impact.NONE,
            part.role,
        )


def _expectations(
    inventory: Cluster, found: Mapping[str, ByHand], classics: Mapping[str, Classic]
) -> Iterator[str]:
    yield (
        "While nodes of both kinds run they speak the same VRRP. Connections that are open when "
        "the VIP moves to the first node of ours are cut; new ones are answered."
    )
    told: dict[str, None] = {}
    for node, by_hand in found.items():
        differences = list(keepalived_differences(inventory, node, classics[node]))
        if by_hand.haproxy is not None:
            text = by_hand.haproxy.config.decode("utf-8", "replace")
            differences += haproxy_differences(inventory, text)
        told |= dict.fromkeys(f"Differs: {d.what} ({d.key})" for d in differences)
    yield from told
