"""New nodes that join before the VIP moves or a node leaves. Pure.

A node that is not in its peers' configuration receives no adverts and would take the VIP. So the
existing nodes first get the new peers, and no other change: their haproxy stays unchanged until
another node can take over the VIP. With multicast there are no peers, and only the records change.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from hadeploy.desired import layout
from hadeploy.desired.containers import haproxy_container, keepalived_container
from hadeploy.desired.desired_node import Container, DesiredNode, File, NodeFacts
from hadeploy.desired.roles import Role
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.applied import Applied
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.peers import with_peers
from hadeploy.plan.redacted_diff import file_diff
from hadeploy.plan.steps import Impact, NodePlan, Plan, Step
from hadeploy.plan.vrrp_settings import running_settings

# haproxy.cfg and the check script.
OTHER_FILES = 2


@dataclass(frozen=True)
class Introduction:
    """The change of an existing node when others join: their addresses in its record and peers.

    Attributes:
        desired: the current state of the node; with unicast, all peers in its keepalived.conf.
        cluster: the inventory that was applied last.
        record: its current record.
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
    """Whether new nodes must serve before any other change.

    Args:
        plan: of all changes.
        new: labels of the added nodes.
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
    """The addresses of all nodes, including leaving ones, in the order of the records.

    The recorded order avoids changes of files that only reorder peers.

    Args:
        wanted: the addresses in the inventory.
        departing: the addresses of the nodes that leave.
        observed: by node label.
    """
    recorded = [m for state in observed.values() if state.applied for m in state.applied.members]
    present = {*wanted, *departing}
    return tuple(a for a in dict.fromkeys([*recorded, *wanted, *departing]) if a in present)


def introduction(
    state: ObservedNode, cluster: str, address: str, members: Sequence[str], *, unicast: bool
) -> Introduction | None:
    """The change of an existing node when others join.

    Args:
        cluster: the name of the cluster.
        address: of the node.
        members: the addresses of all nodes, including the new ones.
        unicast: whether it gets peers; with multicast, its keepalived.conf does not change.

    Returns:
        None if its keepalived does not run, or its record or its file is unusable.
    """
    record, file = state.applied, state.file(layout.KEEPALIVED_CONF)
    if running_settings(state) is None or state.vrrp is None or record is None or file is None:
        return None
    try:
        before = Cluster.model_validate(record.inventory)
        conf = file.content.decode()
    except ValueError:
        return None
    taking_part = dict.fromkeys((*members, *record.forgotten))
    peers = [peer for peer in taking_part if peer != address]
    config_id = state.vrrp.config_id
    found = with_peers(conf, config_id, address, peers) if unicast else (conf, config_id)
    containers = tuple(
        _as_running(container, state, cluster)
        for container in (haproxy_container(before), keepalived_container(before))
    )
    others = _other_files(state, record)
    if found is None or len(others) < OTHER_FILES:
        return None
    text, config_id = found
    # The node may have been renamed since.
    nodes = tuple(
        node.model_copy(update={"name": state.node}) if str(node.address) == address else node
        for node in before.nodes
    )
    before = before.model_copy(update={"nodes": nodes})
    keepalived = File(
        layout.KEEPALIVED_CONF,
        text,
        file.mode,
        "keepalived",
        config_id,
        secret=file.mode == 0o600,
    )
    desired = DesiredNode(
        node=state.node,
        root=before.root,
        facts=NodeFacts(record.interface),
        files=(*others, keepalived),
        containers=containers,
        vips=tuple(record.vips),
        priority=state.vrrp.priority,
        members=tuple(members),
        forgotten=record.forgotten,
    )
    return Introduction(desired, before, record)


def _as_running(container: Container, state: ObservedNode, cluster: str) -> Container:
    """With the running image, which validates the new file; the node may lack the new image."""
    running = state.ours_of(cluster, container.role)
    if running is None:
        return container
    return dataclasses.replace(container, name=running.name, image=running.image)


def _other_files(state: ObservedNode, record: Applied) -> list[File]:
    """The unchanged files; keepalived refuses a configuration without its check script."""
    paths: dict[str, Role] = {layout.HAPROXY_CFG: "haproxy", layout.CHECK_SCRIPT: "keepalived"}
    found = []
    for path, role in paths.items():
        file = state.file(path)
        if file is not None:
            content = file.content.decode("utf-8", "replace")
            config_id = record.config_ids.get(role, "") if role == "haproxy" else ""
            found.append(File(path, content, file.mode, role, config_id))
    return found


def join_plan(
    introductions: Mapping[str, Introduction],
    observed: Mapping[str, ObservedNode],
    holder: str,
    joining: Plan,
) -> Plan:
    """The plan for new nodes to join, without other changes.

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


def _introducing(desired: DesiredNode, state: ObservedNode, new: str, *, holder: bool) -> NodePlan:
    file = desired.file(layout.KEEPALIVED_CONF)
    current = state.file(file.path)
    recorded = Step("write-record", layout.APPLIED, "record what was applied")
    if current is not None and current.sha256 == file.sha256 and state.applied is not None:
        known = state.applied.members == desired.members
        return NodePlan(state.node, () if known else (recorded,), holder)
    name = desired.container("keepalived").name
    why = f"{new} join" if ", " in new else f"{new} joins"
    steps = [
        Step("write-file", file.path, why, role="keepalived", diff=file_diff(file, current)),
        Step("reload-container", name, "its files change", Impact.RELOAD, "keepalived"),
    ]
    now = running_settings(state)
    if holder and now is not None and now.mode == "multicast":
        # A change from multicast to unicast restarts the VRRP instance.
        steps = [
            Step("pin", "the VIP", "stays here while the VRRP instance restarts"),
            *steps,
            Step("unpin", "the VIP", "keepalived is master again"),
        ]
    return NodePlan(state.node, (*steps, recorded), holder)
