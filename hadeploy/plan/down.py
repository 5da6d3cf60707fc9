"""The plan of a teardown: remove everything of the cluster, from the holder last. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hadeploy.desired import layout
from hadeploy.inventory.cluster import Cluster
from hadeploy.inventory.priorities import priorities
from hadeploy.observe.applied import Applied
from hadeploy.observe.container import ObservedContainer
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.order import holders, rolling_order
from hadeploy.plan.possible_holders import may_hold
from hadeploy.plan.steps import Impact, NodePlan, Plan, Step

OUR_FILES = (
    layout.HAPROXY_CFG,
    layout.SERVER_STATE,
    layout.KEEPALIVED_CONF,
    layout.CHECK_SCRIPT,
    layout.SERVED,
    layout.APPLIED,
    *(f"{layout.TRACK}/{name}" for name in layout.DRAINS),
)


def make_down_plan(cluster: Cluster, observed: Mapping[str, ObservedNode]) -> Plan:
    """The plan of `down`: backups first, the holder last.

    Args:
        observed: by node label.
    """
    holding = holders([str(vip.ip) for vip in cluster.vip], observed.values())
    order = rolling_order({n: p for n, p in priorities(cluster).items() if n in observed}, holding)
    return Plan(
        tuple(
            NodePlan(
                node,
                tuple(_steps(cluster, observed[node], holder=node in holding)),
                node in holding,
            )
            for node in order
        )
    )


def _steps(cluster: Cluster, state: ObservedNode, *, holder: bool) -> Iterator[Step]:
    for container in sorted(state.ours(cluster.name), key=_keepalived_first):
        yield Step(
            "remove-container",
            container.name,
            f"has the label of cluster {cluster.name}",
            Impact.OUTAGE if holder else Impact.NONE,
            "keepalived" if _keepalived_first(container) == 0 else "haproxy",
        )
    for vip in left_behind(cluster, state):
        yield Step("remove-address", vip, "left by keepalived", Impact.OUTAGE)
    for path in ours_to_remove(state):
        yield Step("remove-file", path, "written by hadeploy")


def leaving_plan(
    cluster: Cluster, observed: Mapping[str, ObservedNode], staying: Mapping[str, ObservedNode]
) -> Plan:
    """The plan for nodes that leave the cluster; the holder is last.

    Otherwise, the holder could hand the VIP over to another leaving node.

    Args:
        cluster: the inventory, without the leaving nodes.
        observed: the leaving nodes.
        staying: the nodes of the inventory, by label.
    """
    turns = [_leaving(cluster, state, staying) for state in observed.values()]
    return Plan(tuple(sorted(turns, key=lambda turn: turn.holder)))


def _leaving(
    cluster: Cluster, state: ObservedNode, staying: Mapping[str, ObservedNode]
) -> NodePlan:
    holder = bool(state.vrrp and handover_vips(cluster, state, staying))
    steps = list(_steps(cluster, state, holder=False))
    if holder:
        reason = "before the node leaves the cluster"
        steps.insert(0, Step("handover", "the VIP", reason, Impact.HANDOVER))
    return NodePlan(state.node, tuple(steps), holder)


def handover_vips(
    cluster: Cluster, state: ObservedNode, staying: Mapping[str, ObservedNode]
) -> list[str]:
    """The VIPs that a leaving node has and that another node can take over.

    A forgotten node that is back may have a former VIP, which no other node can take over.

    Args:
        state: the leaving node.
        staying: the nodes of the inventory, by label; new ones have no record yet.
    """
    records = [node.applied for node in staying.values() if node.applied]
    own = state.applied.vips if state.applied else ()
    known = [vip for vip in own if not records or any(vip in record.vips for record in records)]
    vips = dict.fromkeys((*(str(vip.ip) for vip in cluster.vip), *known))
    return [vip for vip in vips if state.holds(vip)]


def left_behind(cluster: Cluster, state: ObservedNode) -> list[str]:
    """VIPs of the record that are on the node without a keepalived that owns them."""
    ours = {c.id for c in state.ours(cluster.name)}
    if state.applied is None or ours.intersection(state.keepaliveds.values()):
        return []
    return [vip for vip in state.applied.vips if state.holds(vip) and not may_hold(state, vip)]


def ours_to_remove(state: ObservedNode) -> list[str]:
    """The existing files of the cluster, the record last."""
    known = _known_files(state.applied)
    present = [file.path for file in state.files if file.path in known]
    return sorted(present, key=lambda path: (path == layout.APPLIED, path))


def _known_files(record: Applied | None) -> set[str]:
    """The paths that hadeploy writes, including those before the rename (`.new`)."""
    known = {*OUR_FILES, *(record.files if record else ())}
    return known | {f"{path}.new" for path in known}


def other_files(state: ObservedNode, record: Applied | None) -> list[str]:
    """The paths that a teardown leaves in the cluster's folder, with adopted files as one folder.

    Args:
        state: the node after the teardown.
        record: the node's record before it.
    """
    known = _known_files(record)
    others = [file.path for file in state.files if file.path not in known]
    adopted = f"{layout.ADOPTED}/"
    return sorted({adopted if path.startswith(adopted) else path for path in others})


def leftovers(cluster: Cluster, state: ObservedNode, record: Applied | None) -> list[str]:
    """What a teardown failed to remove, in words; empty on success.

    Args:
        state: the node after the teardown.
        record: the node's record before it.
    """
    vips = dict.fromkeys([*(str(v.ip) for v in cluster.vip), *(record.vips if record else ())])
    left = [f"container {c.name} ({c.status})" for c in state.ours(cluster.name)]
    left += [f"file {path}" for path in ours_to_remove(state)]
    left += [f"file {path}" for path in state.kept]
    left += [f"address {vip} on {state.interface_of(vip)}" for vip in vips if state.holds(vip)]
    return left


def _keepalived_first(container: ObservedContainer) -> int:
    return 0 if container.role == "keepalived" else 1
