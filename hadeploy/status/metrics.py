"""Metrics of the cluster that haproxy does not export, in the text format of Prometheus. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from hadeploy.status.cluster_status import ClusterStatus, Health


def metrics(cluster: str, status: ClusterStatus, seconds: float) -> str:
    """A file for the textfile collector of node_exporter.

    Args:
        cluster: its name, a label of every metric.
        status: of all nodes.
        seconds: the time of the observation, since the epoch.
    """
    lines = []
    for name, description, samples in (
        ("hadeploy_status", "1 for the verdict of `hadeploy status`.", _verdict(status)),
        ("hadeploy_vip_holders", "Number of nodes that hold the VIP.", _holders(status)),
        ("hadeploy_vip_held", "Whether a node holds the VIP.", _held(status)),
        ("hadeploy_node_reachable", "Whether a node is reachable.", _reachable(status)),
        ("hadeploy_node_drained", "Whether the VIP is kept off a node.", _drained(status)),
        ("hadeploy_node_in_sync", "Whether `up` would change nothing there.", _in_sync(status)),
        ("hadeploy_status_timestamp_seconds", "Time of the observation.", [({}, seconds)]),
    ):
        lines += [f"# HELP {name} {description}", f"# TYPE {name} gauge"]
        lines += [f"{name}{_labels(cluster, labels)} {value:.17g}" for labels, value in samples]
    return "\n".join(lines) + "\n"


Samples = Iterator[tuple[dict[str, str], float]]


def _verdict(status: ClusterStatus) -> Samples:
    for verdict in get_args(Health):
        yield {"status": verdict}, verdict == status.verdict


def _holders(status: ClusterStatus) -> Samples:
    # Without any reachable node the number is unknown, not 0.
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
