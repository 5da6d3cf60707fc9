"""Differences of a haproxy.cfg from what an inventory makes, and hints pasted into inventories."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hadeploy.adopt.difference import Difference, block, merged
from hadeploy.adopt.haproxy_differences import haproxy_differences, judge
from hadeploy.adopt.report import Report
from hadeploy.config_files.haproxy_listener import HaproxyContext, read_configuration
from hadeploy.desired.build import haproxy_cfg
from hadeploy.desired.templates import environment
from hadeploy.inventory.cluster import Cluster
from hadeploy.inventory.document import parse
from hadeploy.inventory.load import inventory_from_text
from tests.unit.adopt import classic_nodes

NODES = [{"name": f"n{i}", "address": f"198.19.122.1{i}"} for i in (1, 2, 3)]
BASE: Mapping[str, Any] = {"vip": classic_nodes.VIP, "nodes": NODES}


def ours(cluster: Cluster) -> str:
    """The haproxy.cfg that the inventory makes."""
    return haproxy_cfg(cluster, cluster.nodes[0], environment(None)).content


def judged(cluster: Cluster, text: str, around: HaproxyContext | None = None) -> Report:
    """The result for each line of their file."""
    return judge(cluster, read_configuration(text, around or HaproxyContext()), ours(cluster))


def differences(
    cluster: Cluster, text: str, around: HaproxyContext | None = None
) -> tuple[Difference, ...]:
    """What their file has and ours would not."""
    theirs = read_configuration(text, around or HaproxyContext())
    return haproxy_differences(cluster, theirs, ours(cluster))


def reported(text: str, around: HaproxyContext | None = None, **inventory: Any) -> dict[str, str]:
    """The same as what → key."""
    found = differences(classic_nodes.inventory(**inventory), text, around)
    assert len({d.what for d in found}) == len(found), "each is told once"
    return {d.what: d.key for d in found}


def loaded(document: Mapping[str, Any]) -> Cluster:
    """As the real loader reads it from YAML."""
    return inventory_from_text("\n".join(block(document)) + "\n").cluster


def pasted(document: Mapping[str, Any], hints: Iterable[str]) -> dict[str, Any]:
    """An inventory with hints, which are YAML, merged in."""
    result: dict[str, Any] = dict(document)
    for hint in hints:
        result = merged(result, parse(hint).root.data)
    return result
