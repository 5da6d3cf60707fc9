"""The configuration before the last change, which the nodes keep for a rollback. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from hadeploy import __version__
from hadeploy.desired import layout
from hadeploy.desired.containers import haproxy_container, keepalived_container
from hadeploy.desired.desired_node import DesiredNode, File, NodeFacts, configuration_id
from hadeploy.desired.rendered_binds import binds_privileged, has_templates
from hadeploy.desired.roles import Role
from hadeploy.errors import ExitCode, HadeployError
from hadeploy.inventory.cluster import Cluster
from hadeploy.inventory.priorities import priorities
from hadeploy.observe.applied import Applied
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.observe.parse_record import parse_record


@dataclass(frozen=True)
class Previous:
    """The configuration that `up --rollback` restores.

    Attributes:
        cluster: its inventory, with the current SSH settings.
        desired: its files, byte for byte, by node label.
        record: its record.
    """

    cluster: Cluster
    desired: dict[str, DesiredNode]
    record: Applied


@dataclass(frozen=True)
class _Kept:
    """A configuration that was applied on one node, and the folder with its files."""

    record: Applied
    folder: str


def previous_configuration(cluster: Cluster, observed: Mapping[str, ObservedNode]) -> Previous:
    """The configuration that all nodes can restore.

    Args:
        cluster: the current inventory.
        observed: all nodes, with their previous files.

    Raises:
        HadeployError: there is none, it has other nodes, or the nodes have different ones.
    """
    kept = {node: list(_kept(state)) for node, state in observed.items()}
    target = _target(kept)
    chosen = {
        node: next(k for k in of_node if k.record.configuration == target)
        for node, of_node in kept.items()
    }
    options = _rollback_options(cluster, observed, chosen)
    ids = {node: configuration_id(option.desired) for node, option in options.items()}
    node, previous = next(iter(options.items()))
    wrong = [n for n, found in ids.items() if found != ids[node]]
    # Another version may create other containers from the same inventory.
    if previous.record.version == __version__ and ids[node] != target:
        wrong.append(node)
    if wrong:
        raise _refusal(
            f"the record of the previous configuration on {' or '.join(dict.fromkeys(wrong))} is "
            "not what was applied on all nodes",
            "it was changed by hand; change the inventory and run `hadeploy up`",
        )
    return previous


def _rollback_options(
    cluster: Cluster, observed: Mapping[str, ObservedNode], chosen: Mapping[str, _Kept]
) -> dict[str, Previous]:
    """The configuration from each distinct recorded inventory, by the first node that has it."""
    options: dict[str, Previous] = {}
    for node, kept in chosen.items():
        if any(option.record.inventory == kept.record.inventory for option in options.values()):
            continue
        previous = _cluster(cluster, kept.record)
        labels = {str(other.address): other.label for other in previous.nodes}
        addresses = {other.label: str(other.address) for other in cluster.nodes}
        desired = {
            labels[addresses[n]]: _desired(previous, labels[addresses[n]], observed[n], k)
            for n, k in chosen.items()
        }
        options[node] = Previous(previous, desired, kept.record)
    return options


def _kept(state: ObservedNode) -> Iterator[_Kept]:
    if state.applied and state.applied.inventory:
        yield _Kept(state.applied, "")
    file = state.file(f"{layout.PREVIOUS}/{layout.APPLIED}")
    record = parse_record(file.content) if file else None
    if record and record.inventory:
        yield _Kept(record, f"{layout.PREVIOUS}/")


def _target(kept: Mapping[str, list[_Kept]]) -> str:
    """A configuration that every node has, and that is not the current one of all nodes."""
    names = [[k.record.configuration for k in of_node] for of_node in kept.values()]
    applied = {of_node[0] for of_node in names if of_node}
    everywhere = set(names[0]).intersection(*names) if names else set()
    candidates = everywhere - applied if len(applied) == 1 else everywhere
    if len(candidates) != 1:
        raise _refusal(
            "the nodes have no common previous configuration"
            if not candidates
            else "the nodes have different configurations, so the previous one is ambiguous",
            "change the inventory and run `hadeploy up`",
        )
    return candidates.pop()


def _cluster(current: Cluster, record: Applied) -> Cluster:
    try:
        previous = Cluster.model_validate(record.inventory)
    except ValidationError as error:
        raise _refusal(
            f"the inventory of {record.at} is not valid in this version of hadeploy",
            f"it was applied by hadeploy {record.version}",
        ) from error
    ssh = {node.address: node.ssh for node in current.nodes}
    if {node.address for node in previous.nodes} != set(ssh):
        raise _refusal(
            "the previous configuration had other nodes",
            "change `nodes` in the inventory and run `hadeploy up`",
        )
    nodes = tuple(node.model_copy(update={"ssh": ssh[node.address]}) for node in previous.nodes)
    return previous.model_copy(update={"ssh": current.ssh, "nodes": nodes})


def _desired(cluster: Cluster, label: str, state: ObservedNode, kept: _Kept) -> DesiredNode:
    record = kept.record
    files = tuple(_file(path, state, kept) for path in record.files)
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


def _file(path: str, state: ObservedNode, kept: _Kept) -> File:
    file = state.file(f"{kept.folder}{path}")
    if file is None or file.sha256 != kept.record.files[path]:
        raise _refusal(
            f"{state.node}: {kept.folder}{path} is not what was applied",
            "it was changed by hand; change the inventory and run `hadeploy up`",
        )
    role: Role = "haproxy" if path.startswith("haproxy/") else "keepalived"
    names = {layout.HAPROXY_CFG: "haproxy", layout.KEEPALIVED_CONF: "keepalived"}
    return File(
        path,
        file.content.decode(),
        file.mode,
        role,
        kept.record.config_ids.get(names.get(path, ""), ""),
        secret=file.mode == 0o600,
    )


def _refusal(message: str, hint: str) -> HadeployError:
    return HadeployError(message, operation="planning the rollback", hint=hint, code=ExitCode.USAGE)
