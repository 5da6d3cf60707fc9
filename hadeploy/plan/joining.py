"""New nodes that join before the VIP moves or a node leaves. Pure.

A node that its peers do not know gets no adverts from them and takes the VIP for itself. So the
nodes that are there get the new peers first, and nothing else: their haproxy stays as it is until
another node can take the VIP over. By multicast there are no peers, and only their records change.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from hadeploy.desired import layout
from hadeploy.desired.containers import haproxy_container, keepalived_container
from hadeploy.desired.desired_node import Container, DesiredNode, File, NodeFacts, Role
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.observed_node import Applied, ObservedNode
from hadeploy.plan.peers import with_peers
from hadeploy.plan.redacted_diff import file_diff
from hadeploy.plan.steps import Impact, NodePlan, Plan, Step
from hadeploy.plan.vrrp_settings import running_identity

# haproxy.cfg and the check script.
OTHER_FILES = 2


@dataclass(frozen=True)
class Introduction:
    """What a node gets when others join: their addresses, in its record and as unicast peers.

    Attributes:
        desired: the node as it is; by unicast with a keepalived.conf that has all peers.
        cluster: the inventory that was applied there last.
        record: its applied record before.
    """

    desired: DesiredNode
    cluster: Cluster
    record: Applied


def must_join_first(
    plan: Plan,
    new: Collection[str],
    observed: Mapping[str, ObservedNode],
    departing: Collection[str],
) -> bool:
    """Whether new nodes have to serve before anything else is changed.

    Args:
        plan: what the inventory asks for.
        new: labels of the nodes that are added.
        observed: the nodes of the inventory, by label.
        departing: labels of the nodes that this run removes.
    """
    if not new:
        return False
    interrupted = [
        turn.node
        for turn in plan.nodes
        if turn.holder and any(s.impact in (Impact.RESTART, Impact.OUTAGE) for s in turn.steps)
    ]
    others = set(observed) - set(new) - set(interrupted)
    return bool(departing) or (bool(interrupted) and not others)


def member_order(
    wanted: Sequence[str], departing: Sequence[str], observed: Mapping[str, ObservedNode]
) -> tuple[str, ...]:
    """The addresses of all nodes while some leave: as recorded, so that no file changes for it.

    Args:
        wanted: the addresses in the inventory.
        departing: the addresses of the nodes that leave.
        observed: by node label.
    """
    recorded = [m for look in observed.values() if look.applied for m in look.applied.members]
    present = {*wanted, *departing}
    return tuple(a for a in dict.fromkeys([*recorded, *wanted, *departing]) if a in present)


def introduction(
    look: ObservedNode, cluster: str, address: str, members: Sequence[str], *, unicast: bool
) -> Introduction | None:
    """What a node that serves gets when others join.

    Args:
        look: the node.
        cluster: the cluster's name.
        address: the node's own.
        members: the addresses of all nodes, the new ones too.
        unicast: whether it gets peers; by multicast its keepalived.conf stays as it is.

    Returns:
        None where its keepalived does not run, or its record or its file cannot be used.
    """
    record, there = look.applied, look.file(layout.KEEPALIVED_CONF)
    if running_identity(look) is None or look.vrrp is None or record is None or there is None:
        return None
    try:
        before = Cluster.model_validate(record.inventory)
        conf = there.content.decode()
    except ValueError:
        return None
    taking_part = dict.fromkeys((*members, *record.forgotten))
    peers = [peer for peer in taking_part if peer != address]
    config_id = look.vrrp.config_id
    found = with_peers(conf, config_id, address, peers) if unicast else (conf, config_id)
    containers = tuple(
        _as_running(container, look, cluster)
        for container in (haproxy_container(before), keepalived_container(before))
    )
    others = _other_files(look, record)
    if found is None or len(others) < OTHER_FILES:
        return None
    text, config_id = found
    # It may have another name now than it had then.
    nodes = tuple(
        node.model_copy(update={"name": look.node}) if str(node.address) == address else node
        for node in before.nodes
    )
    before = before.model_copy(update={"nodes": nodes})
    keepalived = File(
        layout.KEEPALIVED_CONF,
        text,
        there.mode,
        "keepalived",
        config_id,
        secret=there.mode == 0o600,
    )
    desired = DesiredNode(
        node=look.node,
        root=before.root,
        facts=NodeFacts(record.interface),
        files=(*others, keepalived),
        containers=containers,
        vips=tuple(record.vips),
        priority=look.vrrp.priority,
        members=tuple(members),
        forgotten=record.forgotten,
    )
    return Introduction(desired, before, record)


def _as_running(container: Container, look: ObservedNode, cluster: str) -> Container:
    """The image that runs checks the new file: another one may not be on the node yet."""
    there = look.ours_of(cluster, container.role)
    if there is None:
        return container
    return dataclasses.replace(container, name=there.name, image=there.image)


def _other_files(look: ObservedNode, record: Applied) -> list[File]:
    """What stays; keepalived refuses a file whose check script is not beside it."""
    paths: dict[str, Role] = {layout.HAPROXY_CFG: "haproxy", layout.CHECK_SCRIPT: "keepalived"}
    found = []
    for path, role in paths.items():
        there = look.file(path)
        if there is not None:
            content = there.content.decode("utf-8", "replace")
            config_id = record.config_ids.get(role, "") if role == "haproxy" else ""
            found.append(File(path, content, there.mode, role, config_id))
    return found


def join_plan(
    introductions: Mapping[str, Introduction],
    observed: Mapping[str, ObservedNode],
    holder: str,
    joining: Plan,
) -> Plan:
    """The plan by which new nodes join, and nothing else changes.

    Args:
        introductions: by node label.
        observed: all nodes, by label.
        holder: the node that has the VIP.
        joining: the turns of the new nodes.
    """
    new = ", ".join(turn.node for turn in joining.nodes if turn.steps)
    order = sorted(introductions, key=lambda node: node == holder)
    turns = tuple(
        _introducing(introductions[node].desired, observed[node], new, holder=node == holder)
        for node in order
    )
    return dataclasses.replace(joining, nodes=(*turns, *joining.nodes))


def _introducing(desired: DesiredNode, look: ObservedNode, new: str, *, holder: bool) -> NodePlan:
    file = desired.file(layout.KEEPALIVED_CONF)
    there = look.file(file.path)
    recorded = Step("write-record", layout.APPLIED, "record what was applied")
    if there is not None and there.sha256 == file.sha256 and look.applied is not None:
        known = look.applied.members == desired.members
        return NodePlan(look.node, () if known else (recorded,), holder)
    name = desired.container("keepalived").name
    why = f"{new} join" if ", " in new else f"{new} joins"
    steps = [
        Step("write-file", file.path, why, role="keepalived", diff=file_diff(file, there)),
        Step("reload-container", name, "its files change", Impact.RELOAD, "keepalived"),
    ]
    now = running_identity(look)
    if holder and now is not None and now.mode == "multicast":
        # Without peers until now, keepalived starts over.
        steps = [
            Step("pin", "the VIP", "it stays here while keepalived starts over"),
            *steps,
            Step("unpin", "the VIP", "keepalived is master again"),
        ]
    return NodePlan(look.node, (*steps, recorded), holder)
