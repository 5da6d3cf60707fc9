"""The configuration before the last change, as the nodes keep it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from hadeploy import __version__
from hadeploy.desired import layout
from hadeploy.desired.containers import haproxy_container, keepalived_container
from hadeploy.desired.desired_node import DesiredNode, File, NodeFacts, Role, configuration_id
from hadeploy.desired.rendered_binds import binds_privileged, has_templates
from hadeploy.errors import ExitCode, HadeployError
from hadeploy.inventory.cluster import Cluster
from hadeploy.inventory.priorities import priorities
from hadeploy.observe.observed_node import Applied, ObservedNode
from hadeploy.observe.parse_record import parse_record


@dataclass(frozen=True)
class Previous:
    """What `up --rollback` goes back to.

    Attributes:
        cluster: the inventory of that time; how the nodes are reached is today's.
        desired: by node label: the very bytes that were there.
        record: that was written when it was applied.
    """

    cluster: Cluster
    desired: dict[str, DesiredNode]
    record: Applied


@dataclass(frozen=True)
class _Kept:
    """One finished configuration on one node, and the folder that its files are in."""

    record: Applied
    folder: str


def previous_configuration(cluster: Cluster, observed: Mapping[str, ObservedNode]) -> Previous:
    """The configuration that all nodes can go back to.

    Args:
        cluster: the inventory of today.
        observed: all nodes, with their previous files.

    Raises:
        HadeployError: there is none, it was another cluster, or the nodes do not agree on it.
    """
    kept = {node: list(_kept(look)) for node, look in observed.items()}
    target = _target(kept)
    chosen = {
        node: next(k for k in of_node if k.record.configuration == target)
        for node, of_node in kept.items()
    }
    ways = _ways_back(cluster, observed, chosen)
    ids = {node: configuration_id(way.desired) for node, way in ways.items()}
    node, way = next(iter(ways.items()))
    wrong = [n for n, found in ids.items() if found != ids[node]]
    # Another version makes other containers of the same inventory.
    if way.record.version == __version__ and ids[node] != target:
        wrong.append(node)
    if wrong:
        raise _refusal(
            f"the record of the previous configuration on {' or '.join(dict.fromkeys(wrong))} is "
            "not what was applied on all nodes",
            "it was changed by hand; change the inventory and run `hadeploy up`",
        )
    return way


def _ways_back(
    cluster: Cluster, observed: Mapping[str, ObservedNode], chosen: Mapping[str, _Kept]
) -> dict[str, Previous]:
    """What each inventory that the nodes have kept makes of the nodes, by the first with that."""
    ways: dict[str, Previous] = {}
    for node, kept in chosen.items():
        if any(way.record.inventory == kept.record.inventory for way in ways.values()):
            continue
        then = _cluster(cluster, kept.record)
        labels = {str(one.address): one.label for one in then.nodes}
        today = {one.label: str(one.address) for one in cluster.nodes}
        desired = {
            labels[today[n]]: _desired(then, labels[today[n]], observed[n], k)
            for n, k in chosen.items()
        }
        ways[node] = Previous(then, desired, kept.record)
    return ways


def _kept(look: ObservedNode) -> Iterator[_Kept]:
    if look.applied and look.applied.inventory:
        yield _Kept(look.applied, "")
    there = look.file(f"{layout.PREVIOUS}/{layout.APPLIED}")
    record = parse_record(there.content) if there else None
    if record and record.inventory:
        yield _Kept(record, f"{layout.PREVIOUS}/")


def _target(kept: Mapping[str, list[_Kept]]) -> str:
    """One that every node has, and that is not already on all of them."""
    names = [[k.record.configuration for k in of_node] for of_node in kept.values()]
    applied = {of_node[0] for of_node in names if of_node}
    everywhere = set(names[0]).intersection(*names) if names else set()
    candidates = everywhere - applied if len(applied) == 1 else everywhere
    if len(candidates) != 1:
        raise _refusal(
            "the nodes keep no previous configuration"
            if not candidates
            else "the nodes have different configurations, and could go back to either",
            "there is nothing to go back to; change the inventory and run `hadeploy up`",
        )
    return candidates.pop()


def _cluster(today: Cluster, record: Applied) -> Cluster:
    try:
        then = Cluster.model_validate(record.inventory)
    except ValidationError as error:
        raise _refusal(
            f"this version does not understand the inventory of {record.at}",
            f"it was applied by hadeploy {record.version}",
        ) from error
    ssh = {node.address: node.ssh for node in today.nodes}
    if {node.address for node in then.nodes} != set(ssh):
        raise _refusal(
            "the previous configuration had other nodes",
            "change `nodes` in the inventory and run `hadeploy up`",
        )
    nodes = tuple(node.model_copy(update={"ssh": ssh[node.address]}) for node in then.nodes)
    return then.model_copy(update={"ssh": today.ssh, "nodes": nodes})


def _desired(cluster: Cluster, label: str, look: ObservedNode, kept: _Kept) -> DesiredNode:
    record = kept.record
    files = tuple(_file(path, look, kept) for path in record.files)
    texts = [f.content for f in files if f.path == layout.HAPROXY_CFG and has_templates(cluster)]
    privileged = any(binds_privileged(text) for text in texts)
    return DesiredNode(
        node=label,
        root=cluster.root,
        facts=NodeFacts(record.interface),
        files=files,
        containers=(
            haproxy_container(cluster, privileged=privileged),
            keepalived_container(cluster),
        ),
        vips=tuple(str(vip) for vip in cluster.vip),
        priority=priorities(cluster)[label],
        members=record.members,
    )


def _file(path: str, look: ObservedNode, kept: _Kept) -> File:
    there = look.file(f"{kept.folder}{path}")
    if there is None or there.sha256 != kept.record.files[path]:
        raise _refusal(
            f"{look.node}: {kept.folder}{path} is not what was applied",
            "it was changed by hand; change the inventory and run `hadeploy up`",
        )
    role: Role = "haproxy" if path.startswith("haproxy/") else "keepalived"
    names = {layout.HAPROXY_CFG: "haproxy", layout.KEEPALIVED_CONF: "keepalived"}
    return File(
        path,
        there.content.decode(),
        there.mode,
        role,
        kept.record.config_ids.get(names.get(path, ""), ""),
        secret=there.mode == 0o600,
    )


def _refusal(what: str, hint: str) -> HadeployError:
    return HadeployError(what, operation="looking for a way back", hint=hint, code=ExitCode.USAGE)
