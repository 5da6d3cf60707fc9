"""The plan of a teardown: what is ours goes, in the order that keeps the VIP longest. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hadeploy.desired import layout
from hadeploy.inventory.cluster import Cluster
from hadeploy.inventory.priorities import priorities
from hadeploy.observe.observed_node import Applied, ObservedContainer, ObservedNode
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
    """What `down` removes: backups first, the holder last.

    Args:
        cluster: the inventory.
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


def _steps(cluster: Cluster, look: ObservedNode, *, holder: bool) -> Iterator[Step]:
    for container in sorted(look.ours(cluster.name), key=_keepalived_first):
        yield Step(
            "remove-container",
            container.name,
            f"carries the mark of cluster {cluster.name}",
            Impact.OUTAGE if holder else Impact.NONE,
            "keepalived" if _keepalived_first(container) == 0 else "haproxy",
        )
    for vip in left_behind(cluster, look):
        yield Step("remove-address", vip, "keepalived left it behind", Impact.OUTAGE)
    for path in ours_to_remove(look):
        yield Step("remove-file", path, "written by hadeploy")


def leaving_plan(
    cluster: Cluster, observed: Mapping[str, ObservedNode], staying: Mapping[str, ObservedNode]
) -> Plan:
    """What is done on nodes that leave a cluster which stays; the holder is the last one.

    Before that it could hand the VIP over to another one that leaves, too.

    Args:
        cluster: the inventory, without them.
        observed: the leaving nodes.
        staying: the nodes of the inventory, by label.
    """
    turns = [_leaving(cluster, look, staying) for look in observed.values()]
    return Plan(tuple(sorted(turns, key=lambda turn: turn.holder)))


def _leaving(cluster: Cluster, look: ObservedNode, staying: Mapping[str, ObservedNode]) -> NodePlan:
    holder = bool(look.vrrp and handover_vips(cluster, look, staying))
    steps = list(_steps(cluster, look, holder=False))
    if holder:
        reason = "before the node leaves the cluster"
        steps.insert(0, Step("handover", "the VIP", reason, Impact.HANDOVER))
    return NodePlan(look.node, tuple(steps), holder)


def handover_vips(
    cluster: Cluster, look: ObservedNode, staying: Mapping[str, ObservedNode]
) -> list[str]:
    """The VIPs that a leaving node has and a node that stays can have.

    A forgotten node that is back may have a VIP that the others had before: no node answers there.

    Args:
        cluster: the inventory.
        look: at the leaving node.
        staying: the nodes of the inventory, by label; new ones have no record yet.
    """
    records = [node.applied for node in staying.values() if node.applied]
    own = look.applied.vips if look.applied else ()
    known = [vip for vip in own if not records or any(vip in record.vips for record in records)]
    vips = dict.fromkeys((*(str(vip.ip) for vip in cluster.vip), *known))
    return [vip for vip in vips if look.holds(vip)]


def left_behind(cluster: Cluster, look: ObservedNode) -> list[str]:
    """VIPs that our record names, that are here, and that no keepalived here answers for."""
    ours = {c.id for c in look.ours(cluster.name)}
    if look.applied is None or ours.intersection(look.keepaliveds.values()):
        return []
    return [vip for vip in look.applied.vips if look.holds(vip) and not may_hold(look, vip)]


def ours_to_remove(look: ObservedNode) -> list[str]:
    """The files of ours that are there, the record last."""
    known = _known_files(look.applied)
    there = [file.path for file in look.files if file.path in known]
    return sorted(there, key=lambda path: (path == layout.APPLIED, path))


def _known_files(record: Applied | None) -> set[str]:
    """The paths that hadeploy writes, each also as the file that is renamed to it."""
    known = {*OUR_FILES, *(record.files if record else ())}
    return known | {f"{path}.new" for path in known}


def other_files(look: ObservedNode, record: Applied | None) -> list[str]:
    """What a teardown leaves in the cluster's folder: paths, what adopting kept as one.

    Args:
        look: the node after it.
        record: the node's record before it.
    """
    known = _known_files(record)
    others = [file.path for file in look.files if file.path not in known]
    adopted = f"{layout.ADOPTED}/"
    return sorted({adopted if path.startswith(adopted) else path for path in others})


def leftovers(cluster: Cluster, look: ObservedNode, record: Applied | None) -> list[str]:
    """What is still there after a teardown, in words; nothing, if all went well.

    Args:
        cluster: the inventory.
        look: the node after it.
        record: the node's record before it.
    """
    vips = dict.fromkeys([*(str(v.ip) for v in cluster.vip), *(record.vips if record else ())])
    left = [f"container {c.name} ({c.status})" for c in look.ours(cluster.name)]
    left += [f"file {path}" for path in ours_to_remove(look)]
    left += [f"file {path}" for path in look.kept]
    left += [f"address {vip} on {look.interface_of(vip)}" for vip in vips if look.holds(vip)]
    return left


def _keepalived_first(container: ObservedContainer) -> int:
    return 0 if container.role == "keepalived" else 1
