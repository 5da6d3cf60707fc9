"""What haproxy's own exporter cannot know, in Prometheus' text format. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from hadeploy.status.cluster_status import ClusterStatus, Health


def metrics(cluster: str, status: ClusterStatus, seconds: float) -> str:
    """A whole file for node_exporter's textfile collector.

    Args:
        cluster: its name, a label of every metric.
        status: of all nodes.
        seconds: when they were looked at, since the epoch.
    """
    lines = []
    for name, told, samples in (
        ("hadeploy_status", "1 for the verdict of `hadeploy status`.", _verdict(status)),
        ("hadeploy_vip_holders", "How many nodes have the VIP.", _holders(status)),
        ("hadeploy_vip_held", "Whether a node has the VIP.", _held(status)),
        ("hadeploy_node_reachable", "Whether a node was reached.", _reachable(status)),
        ("hadeploy_node_drained", "Whether the VIP is kept off a node.", _drained(status)),
        ("hadeploy_node_in_sync", "Whether `up` would change nothing there.", _in_sync(status)),
        ("hadeploy_status_timestamp_seconds", "When that was.", [({}, seconds)]),
    ):
        lines += [f"# HELP {name} {told}", f"# TYPE {name} gauge"]
        lines += [f"{name}{_labels(cluster, labels)} {value:.17g}" for labels, value in samples]
    return "\n".join(lines) + "\n"


Samples = Iterator[tuple[dict[str, str], float]]


def _verdict(status: ClusterStatus) -> Samples:
    for verdict in get_args(Health):
        yield {"status": verdict}, verdict == status.verdict


def _holders(status: ClusterStatus) -> Samples:
    # Where nobody was asked nobody knows: no sample is not 0.
    if status.verdict != "unknown":
        for vip in status.vips:
            yield {"vip": vip.address}, len(vip.holders)


def _held(status: ClusterStatus) -> Samples:
    for vip in status.vips:
        for node in status.nodes:
            if node.error is None:
                yield {"vip": vip.address, "node": node.node}, node.node in vip.holders


def _reachable(status: ClusterStatus) -> Samples:
    for node in status.nodes:
        yield {"node": node.node}, node.error is None


def _drained(status: ClusterStatus) -> Samples:
    for node in status.nodes:
        if node.error is None:
            yield {"node": node.node}, bool(node.drained)


def _in_sync(status: ClusterStatus) -> Samples:
    for node in status.nodes:
        if node.error is None:
            yield {"node": node.node}, node.configuration == "in-sync"


def _labels(cluster: str, labels: dict[str, str]) -> str:
    pairs = (
        f'{name}="{_escaped(value)}"' for name, value in {"cluster": cluster, **labels}.items()
    )
    return "{" + ",".join(pairs) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
